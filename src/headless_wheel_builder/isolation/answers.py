"""Small JSON documents kept between builds, each the answer to a question."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

_DRAFT = ".new"


class Answers:
    """The answers in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def recall(self, question: str) -> dict[str, Any] | None:
        """Return the answer to a question; None when there is none that can be read."""
        try:
            with open(self._path(question), "rb") as file:
                answer = json.loads(file.read())
        except (OSError, ValueError, RecursionError):
            return None
        return answer if isinstance(answer, dict) else None

    def remember(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep the answer to a question instead of an older one.

        :raises OSError: it cannot be written
        """
        path = self._path(question)
        draft = f"{path}.{os.urandom(4).hex()}{_DRAFT}"
        try:
            with open(draft, "x", encoding="utf-8") as file:
                json.dump(answer, file)
            os.replace(draft, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)

    def collect(self, before: float, drafts_before: float) -> None:
        """Remove the answers that were given before a time, and drafts that nobody will finish any more.

        :raises OSError: one cannot be removed
        """
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_mtime < (drafts_before if name.endswith(_DRAFT) else before):
                    os.unlink(path)

    def _path(self, question: str) -> str:
        return os.path.join(self._folder, f"{hashlib.sha256(os.fsencode(question)).hexdigest()}.json")

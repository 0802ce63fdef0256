"""What this process writes, and where: seen as it happens, wherever it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

# The events of Python that make or change something, and which of their arguments says where.
EVENTS: Final = {
    "os.mkdir": 0, "os.rename": 1, "os.symlink": 1, "os.link": 1, "os.chmod": 0, "os.chown": 0, "os.truncate": 0,
}  # fmt: skip
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Writes:
    """The places beyond a folder that were written to.

    :param folder: where everything may be written
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self.elsewhere: list[str] = []
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & WRITING:
            self._note(arguments[0])
        elif event in EVENTS:
            self._note(arguments[EVENTS[event]])

    def _note(self, path: Any) -> None:
        # Not one that is open already, or is named below an open folder, as those are that are removed.
        if not isinstance(path, (str, bytes, os.PathLike)) or os.fspath(path) in {os.devnull, ""}:
            return
        place = os.path.realpath(os.path.dirname(os.path.abspath(os.fsdecode(path))))
        if place != self._folder and not place.startswith(self._folder + os.sep):
            self.elsewhere.append(os.fsdecode(path))

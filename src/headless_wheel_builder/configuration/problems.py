"""What is wrong with settings, collected so that all of it is told at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from headless_wheel_builder.redaction import redacted

# Longer values are cut in messages.
LONGEST: Final = 60


class Problems:
    """The lines of an error in the making."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: str, sentence: str) -> None:
        """Note what is wrong at a place."""
        self.lines.append(f"{path}: {sentence}")

    def unexpected(self, path: str, found: object, expected: str) -> None:
        """Note a value that cannot be."""
        self.add(path, f"found {shown(found)}, expected {expected}")

    def unknown(self, path: str, name: str, known: Iterable[str], *, before: str = "") -> None:
        """Note a name that nothing has.

        :param before: what the known names have in front of them where they are written
        """
        names = list(known)
        guess = nearest(name, names)
        more = f"did you mean {before}{guess}?" if guess else f"there are {', '.join(before + one for one in names)}"
        self.add(path, f"there is no such setting; {more}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that one was most likely meant to be; None if it is like none."""
    import difflib

    found = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1)
    return found[0] if found else None


def shown(found: object) -> str:
    """Return a value much as TOML has it, not too long."""
    # Before it is cut: of what is then left nobody can tell that it is the beginning of a password.
    text = redacted(json.dumps(found, ensure_ascii=False, default=str))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

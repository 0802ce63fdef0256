"""What others wrote, so that it can be printed: it neither steers the screen nor commands the service that reads it.

Names, versions, paths and messages may have anything in them. What a backend prints does not come here: it is its own.
"""

from __future__ import annotations

import json
import re
from typing import Final

# Control characters, and those that have text read in another order or not seen.
_CONTROL: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_IN_TEXT: Final = re.compile(f"[{_CONTROL}]")
_IN_LINE: Final = re.compile(f"[\n{_CONTROL}]")
# GitHub Actions takes a line that begins with `::` for a command, and `##[` anywhere in one; Azure and TeamCity have a
# word in front of the bracket. What colours a line counts as nothing.
_COMMAND: Final = re.compile(r"^((?:[^\S\n]|\x1b\[\d+m)*):(?=:)", re.MULTILINE)
_OLD_COMMAND: Final = re.compile(r"#(?=#[A-Za-z]*\[)")


def text(told: str) -> str:
    """Return a text with its control characters as Python writes them; it keeps its lines."""
    return _IN_TEXT.sub(_escaped, told)


def line(told: str) -> str:
    """Return a text as one line, with its control characters as Python writes them."""
    return _IN_LINE.sub(_escaped, told)


def harmless(shown: str) -> str:
    """Return what is about to be printed, without what a service would take for a command."""
    return _OLD_COMMAND.sub(r"\\x23", _COMMAND.sub(r"\1\\x3a", shown))


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """Return a value as JSON that may be printed, and means the same."""
    dumped = json.dumps(value, ensure_ascii=ascii_only, indent=2)
    return _OLD_COMMAND.sub(r"\\u0023", _IN_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", dumped))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")

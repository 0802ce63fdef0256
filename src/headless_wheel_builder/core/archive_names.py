"""The names of archive members: which of them are safe on every system."""

from __future__ import annotations

import re
from typing import Final

# Longer than any system takes (PATH_MAX); bounds what a hostile archive can make us remember.
NAME_LIMIT: Final = 4096
# Folders in folders: what removes a tree, and much else, goes down it by recursion.
DEPTH_LIMIT: Final = 100
SHOWN_LIMIT: Final = 200


def parts(name: str) -> tuple[str, ...]:
    """Split a member's name as Windows would, which splits in more places than POSIX; `.` and `//` mean nothing."""
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in {"", "."})


def is_absolute(name: str) -> bool:
    """Whether a name starts at a root or names a Windows drive."""
    return re.match(r"[/\\]|[A-Za-z]:", name) is not None


def malformed(name: str) -> str:
    """Say why nothing can have this name, or nothing if it may."""
    if "\0" in name:
        return "has a NUL character in its name"
    if len(name) > NAME_LIMIT:
        return f"has a name longer than {NAME_LIMIT} characters"
    return f"has a name of more than {DEPTH_LIMIT} parts" if len(parts(name)) > DEPTH_LIMIT else ""


def fault(name: str) -> str:
    """Say why a member must not have this name, or nothing if it may."""
    if reason := malformed(name):
        return reason
    if is_absolute(name):
        return "has an absolute name"
    if ".." in parts(name):
        return "has a '..' part in its name"
    return ""


def shown(name: str) -> str:
    """Quote a name for a message: control characters escaped, and never a page long."""
    return repr(name if len(name) <= SHOWN_LIMIT else name[:SHOWN_LIMIT] + "...")

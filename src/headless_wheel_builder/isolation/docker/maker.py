"""Which process made a container: what is left of one that was killed is nobody's, which the next can see at once."""

from __future__ import annotations

import os
from pathlib import Path

from headless_wheel_builder.ownership import boot


def mark() -> str:
    """Return what tells this process from all others, on this machine and elsewhere; empty where nothing can."""
    place, began = _place(), _began(os.getpid())
    return f"{place}:{os.getpid()}:{began}" if place and began else ""


def is_gone(mark: str) -> bool:
    """Tell whether the process that a mark is of is known to have ended.

    It is not known of processes of other machines, nor of those that cannot be seen from here.
    """
    match mark.rsplit(":", 2):
        case [place, process, began] if process.isdecimal() and place == _place():
            return _began(int(process)) != began
    return False


def _place() -> str:
    """Return which boot of which machine this is, and among which processes; empty if that cannot be told."""
    try:
        return f"{boot()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def _began(process: int) -> str:
    """Return when a process began, in ticks since the boot; empty if there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        # After its name, which may have anything in it.
        return text.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

"""Which process made a container: what is left of one that was killed is nobody's, which the next can see at once."""

from __future__ import annotations

import os

from headless_wheel_builder.ownership import boot
from headless_wheel_builder.process_status import is_zombie, start_ticks


def mark() -> str:
    """Return what tells this process from all others, on this machine and elsewhere; empty where nothing can."""
    place, start = _place(), start_ticks()
    return f"{place}:{os.getpid()}:{start}" if place and start is not None else ""


def is_there(mark: str) -> bool | None:
    """Tell whether the process that a mark is of runs.

    It is not known (None) of processes of other machines, nor of those that cannot be seen from here.
    """
    match mark.rsplit(":", 2):
        case [place, process, start] if process.isdecimal() and place == _place():
            return _is_running(int(process), start)
    return None


def _is_running(process: int, start: str) -> bool:
    now = start_ticks(process)
    if now is not None:
        return str(now) == start and not is_zombie(process)
    # Where /proc is mounted with hidepid, it does not show processes of other users.
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _place() -> str:
    """Return which boot of which machine this is, and among which processes; empty if that cannot be told."""
    try:
        return f"{boot()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""

"""What Linux tells of a process in `/proc/PID/stat`."""

from __future__ import annotations

_PROC = "/proc"
# Of proc_pid_stat(5), counted after the name, which may have anything in it.
_STATE = 0
_START = 19


def is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and nobody has waited for it yet."""
    fields = _fields(str(pid))
    return fields[_STATE : _STATE + 1] == [b"Z"]


def start_ticks(pid: int | None = None) -> int | None:
    """Return when a process began, in clock ticks since the boot; None if that cannot be told.

    :param pid: None for this process
    """
    fields = _fields("self" if pid is None else str(pid))
    return int(fields[_START]) if len(fields) > _START and fields[_START].isdigit() else None


def _fields(pid: str) -> list[bytes]:
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []

"""How much memory processes have had, as the kernel keeps it (VmHWM)."""

from __future__ import annotations

from pathlib import Path


def peak_kilobytes(process: int) -> int:
    """Return the peak so far; nothing for a process that is gone."""
    try:
        status = Path("/proc", str(process), "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def family(process: int) -> list[int]:
    """Return a process and its descendants."""
    found = [process]
    for one in found:
        for children in Path("/proc", str(one), "task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found

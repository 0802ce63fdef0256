"""Orphans: processes that outlived their parent, wherever they went. Whoever adopts them can end them."""

from __future__ import annotations

import os
import select
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Of prctl: PR_SET_CHILD_SUBREAPER.
ADOPT = 36
TASKS = "/proc/self/task"
# What cannot be killed, as it waits for a disk for example, is not waited for.
MOST_LOOKS = 2000
PAUSE = 0.001


def adopt_orphans() -> None:
    """Become the parent of descendants that lose their own, where Python and the kernel can do that.

    Nothing of it is seen in processes that are forked afterwards.
    """
    if sys.implementation.name != "cpython":
        return
    is_new = "_ctypes" not in sys.modules
    try:
        # Not `ctypes`, which takes much longer to import.
        import _ctypes

        itself: Any = None
        function = _ctypes.dlsym(_ctypes.dlopen(itself, 0), "prctl")
        _ctypes.call_function(function, (ADOPT, 1, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        pass
    if is_new:
        sys.modules.pop("_ctypes", None)


def reap(processes: list[int]) -> None:
    """Wait for those of some children that have ended, as init does for orphans."""
    for child in processes:
        _is_reaped(child)


def end_children(but: int = 0) -> None:
    """End all children but one, and all that descends from them."""
    for _ in range(MOST_LOOKS):
        # The children of one that ends become ours before it can be waited for.
        left = children(but)
        for child in left:
            try:
                os.kill(child, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        if not left:
            return
        if not sum(map(_is_reaped, left)):
            select.select([], [], [], PAUSE)


def children(but: int = 0) -> list[int]:
    """Return the children of this process but one; none where the system does not tell."""
    try:
        return [child for thread in os.listdir(TASKS) for child in _children_of(thread) if child != but]
    except OSError:
        return []


def _children_of(thread: str) -> list[int]:
    try:
        # As bytes, for no codec that a fresh interpreter does not have.
        with open(f"{TASKS}/{thread}/children", "rb") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []  # of a thread that has ended


def _is_reaped(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True

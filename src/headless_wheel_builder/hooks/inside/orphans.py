"""Orphans: processes that outlived their parent, wherever they went. The host takes the kernel's place as theirs."""

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
CHILDREN = "/proc/self/task/{}/children"
# What cannot be killed, as it waits for a disk for example, is not waited for.
MOST_LOOKS = 2000
PAUSE = 0.001


def adopt_orphans() -> None:
    """Become the parent of descendants that lose their own, where Python and the kernel can do that.

    Nothing of it is seen in processes that are forked afterwards.
    """
    if sys.implementation.name != "cpython" or "_ctypes" in sys.modules:
        return
    try:
        # Not `ctypes`, which takes much longer to import.
        import _ctypes

        itself: Any = None
        function = _ctypes.dlsym(_ctypes.dlopen(itself, 0), "prctl")
        _ctypes.call_function(function, (ADOPT, 1, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        pass
    sys.modules.pop("_ctypes", None)


def reap_children(kept: int) -> None:
    """Wait for children that have ended, as init does for orphans, but not for `kept`."""
    for child in _children(kept):
        _is_reaped(child)


def end_children(kept: int = 0) -> None:
    """End all children but `kept`, and all that descends from them."""
    for _ in range(MOST_LOOKS):
        # The children of one that ends become ours before it can be waited for.
        left = _children(kept)
        for child in left:
            try:
                os.kill(child, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        if not left:
            return
        if not sum(map(_is_reaped, left)):
            select.select([], [], [], PAUSE)


def _children(kept: int) -> list[int]:
    """Return the children of this process, which has one thread, without `kept`."""
    try:
        # As bytes, for no codec that a fresh interpreter does not have.
        with open(CHILDREN.format(os.getpid()), "rb") as file:
            return [int(child) for child in file.read().split() if int(child) != kept]
    except OSError:
        return []  # a kernel that does not tell


def _is_reaped(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True

"""Know what another process has started, and end it when that is gone.

Also a program of its own, which imports nothing but the standard library: `python watchman.py DESCRIPTOR MARK`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

# In the environment of what is watched. Whatever starts there has it too, wherever it goes.
VARIABLE = "_HWB_GUARD"
# What cannot be killed, as it waits for a disk for example, is not waited for.
MOST_LOOKS = 2000
PAUSE = 0.001


def watch(descriptor: int, mark: str) -> None:
    """Read of groups that begin (+) and end (-), until nobody is left to tell of any; then kill what is left.

    :param mark: what `VARIABLE` is of all that is watched; nobody is looked for by it after a word that all is over (.)
    """
    groups: set[int] = set()
    is_over = False
    with open(descriptor, encoding="ascii") as lines:
        for line in lines:
            if line[0] == ".":
                is_over = True
            else:
                (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    if not is_over:
        kill_marked(mark)


def kill_marked(mark: str) -> None:
    """Kill the processes that have a mark in their environment, and what those start meanwhile."""
    if not os.path.exists("/proc/self/environ"):
        return
    entry = os.fsencode(f"{VARIABLE}={mark}")
    for _ in range(MOST_LOOKS):
        if not sum(_is_killed(int(name), entry) for name in os.listdir("/proc") if name.isdecimal()):
            return
        time.sleep(PAUSE)


def _is_killed(pid: int, entry: bytes) -> bool:
    # One that has ended has no environment.
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
        if entry in environ.read().split(b"\0"):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2])

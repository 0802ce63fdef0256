"""Know what another process has started, and end it when that is gone.

Also a program of its own, which imports nothing but the standard library: `python watchman.py DESCRIPTOR MARK`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping

# In the environment of what is watched: its mark, after that of a build in one of whose hooks this is. Whatever starts
# there has it too, wherever it goes.
VARIABLE = "_HWB_GUARD"
SEPARATOR = ":"
# What cannot be killed, as it waits for a disk for example, is not waited for.
MOST_LOOKS = 2000
PAUSE = 0.001


def watch(descriptor: int, mark: str) -> None:
    """Read of groups that begin (+) and end (-), until the end (!), or nobody is left to tell; then kill what is left.

    :param mark: what all that is watched has in `VARIABLE`; nobody is looked for by it after an end without orphans (.)
    """
    groups: set[int] = set()
    is_over = False
    with open(descriptor, encoding="ascii") as lines:
        for line in lines:
            if line[0] in ".!":
                # Not the end of the pipe: whatever was forked from the other process meanwhile may have it for ever.
                is_over = line[0] == "."
                break
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
    for _ in range(MOST_LOOKS):
        if not sum(_is_killed(int(name), mark.encode()) for name in os.listdir("/proc") if name.isdecimal()):
            return
        time.sleep(PAUSE)


def marked(environ: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return an environment with one mark more."""
    return {**environ, VARIABLE: SEPARATOR.join(filter(None, [environ.get(VARIABLE), mark]))}


def _is_killed(pid: int, mark: bytes) -> bool:
    # One that has ended has no environment.
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
        if mark in _marks(environ.read()):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def _marks(environ: bytes) -> list[bytes]:
    name = os.fsencode(f"{VARIABLE}=")
    found = [one for one in environ.split(b"\0") if one.startswith(name)]
    return found[0].removeprefix(name).split(SEPARATOR.encode()) if found else []


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2])

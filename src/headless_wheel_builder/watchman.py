"""Know the process groups that another process has started, and end them when that is gone.

Also a program of its own, which imports nothing but the standard library: `python watchman.py DESCRIPTOR`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def watch(descriptor: int) -> None:
    """Read of groups that begin (+) and end (-), until nobody is left to tell of any; then kill those that are left."""
    groups: set[int] = set()
    with open(descriptor, encoding="ascii") as lines:
        for line in lines:
            (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    watch(int(sys.argv[1]))

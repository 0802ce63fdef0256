"""Run a command, and write how long it took and how much memory its biggest process had.

This is a program of its own, and small, since the kernel counts what a process had before it was another program: the
memory of the whole benchmark would be the least that any contender could have. Started with `-I -S`; the arguments are
the file for the command's output, and the command.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def main() -> None:
    """Run it, and write seconds, bytes and the exit code."""
    log, *command = sys.argv[1:]
    # The command is told to end together with this program, which has to wait until it has done so.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=streams, setsigdef=[signal.SIGTERM])
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    print(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), os.waitstatus_to_exitcode(status))


main()

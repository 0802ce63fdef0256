"""A command line that runs, at a terminal of its own or with pipes, and what is left of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from frontends import MARK, command_of, environment, marked, read

HOST = "headless_wheel_builder/hooks/host.py"
# What cannot be noticed by its end does not run for ever.
DEADLINE = 60.0
# A process that was killed, and is not waited for here, is there for a moment.
GRACE = 3.0
# A process cannot be seen while it becomes another program.
LOOKS = 2


@dataclasses.dataclass
class Started:
    """A process of the command line, in a session of its own.

    :param ours: where what it prints is read
    """

    process: subprocess.Popen[bytes]
    mark: str
    ours: int
    is_open: bool = True
    output: bytearray = dataclasses.field(default_factory=bytearray)

    def __post_init__(self) -> None:
        """Begin to read what it prints, for it would wait else."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # Not blocked in a read, which would hold the other end open after it is closed.
        with contextlib.suppress(OSError):
            while self.is_open:
                if select.select([self.ours], [], [], 0.02)[0]:
                    chunk = os.read(self.ours, 65536)
                    if not chunk:
                        return
                    self.output += chunk

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.returncode is not None

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to it, or to its group as a terminal does."""
        with contextlib.suppress(ProcessLookupError):
            if self.process.poll() is None:
                (os.killpg if group else os.kill)(self.process.pid, number)

    def hang_up(self) -> None:
        """Close the other end of all that it prints to."""
        if self.is_open:
            self.is_open = False
            self._reader.join()
            os.close(self.ours)

    def host(self) -> int | None:
        """Return the hook host that it has started, if there is one now."""
        for pid in marked(self.mark):
            parent = read(Path("/proc", str(pid), "stat")).rpartition(b")")[2].split()[1:2]
            if HOST in command_of(pid) and parent == [str(self.process.pid).encode()]:
                return pid
        return None

    def survivors(self) -> list[str]:
        """Return the command lines of the processes that it has left, and end them."""
        end = time.monotonic() + GRACE
        empty_looks = 0
        while time.monotonic() < end and empty_looks < LOOKS:
            left = marked(self.mark)
            empty_looks = 0 if left else empty_looks + 1
            time.sleep(0.02)
        # One that has gone meanwhile has no command line.
        names = [name for name in (command_of(pid)[:200] for pid in left) if name]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return names


def start(argv: Sequence[str], root: Path, temporary: Path, env: Mapping[str, str], *, at_terminal: bool) -> Started:
    """Start a program, by its path."""
    mark = uuid.uuid4().hex
    ours, theirs = pty.openpty() if at_terminal else os.pipe()
    # The terminal has to be its own, to hang up on it.
    leader = [sys.executable, "-c", LEADER] if at_terminal else []
    process = subprocess.Popen(
        [*leader, *argv],
        cwd=root,
        env={**environment(), **env, "TMPDIR": str(temporary), MARK: mark},
        stdin=theirs if at_terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    return Started(process, mark, ours)


LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"

"""End what a worker has started, when the worker itself is killed and cannot.

Hosts of hooks notice that; a hook with an interpreter of its own, and an installer, do not.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Final

from headless_wheel_builder.process import Group, Processes, Running, Stoppable

# Is told of process groups that begin (+) and end (-), until nobody is left to tell it of any.
PROGRAM: Final = """\
import os, signal, sys
groups = set()
with open(int(sys.argv[1])) as lines:
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class Guard:
    """A process that outlives this one for as long as it takes to end what this one has started."""

    def __init__(self) -> None:
        theirs, self._ours = os.pipe()
        try:
            argv = [sys.executable, "-I", "-S", "-c", PROGRAM, str(theirs)]
            # Kept, or it would count as a process that nobody waits for.
            self._group = Group.start(argv, cwd=os.sep, env={}, pass_fds=[theirs])
        finally:
            os.close(theirs)

    def note(self, sign: str, running: Stoppable) -> None:
        """Tell it of something that has begun (+) or ended (-), if it is a process group."""
        if isinstance(running, Group):
            # A guard that somebody has killed is no reason for a build to fail.
            with contextlib.suppress(OSError):
                os.write(self._ours, f"{sign}{running.process.pid}\n".encode())

    def close(self) -> None:
        """End it, and what it was told of."""
        os.close(self._ours)
        self._group.process.wait()


class GuardedProcesses(Processes):
    """The processes of a build, of which a guard is told."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def add(self, start: Callable[[], Running]) -> Running:
        """Start something, and have it guarded."""
        running = super().add(start)
        self._guard.note("+", running)
        return running

    def remove(self, running: Stoppable) -> None:
        """Forget what has ended."""
        self._guard.note("-", running)
        super().remove(running)

    def part(self) -> Processes:
        """Return processes of the same build that can also be cancelled without the rest, and are guarded too."""
        return self.add(lambda: GuardedProcesses(self._guard))

"""End what a process has started, when it is killed itself and cannot.

Hosts of hooks notice that; a hook with an interpreter of its own, and an installer, do not. What a hook left whose host
was killed has nobody else to end it either, unless this process adopts orphans.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from headless_wheel_builder import watchman
from headless_wheel_builder.hooks.channel import above_streams
from headless_wheel_builder.process import OURS, Child, Group, Processes, Running, Stoppable

# More descriptors than a process has before it does anything.
DESCRIPTORS: Final = 4096


def spawned(theirs: int, mark: str) -> Child:
    """Start a guard with an interpreter of its own.

    :param theirs: where it is told of groups
    :param mark: what it knows others by
    """
    argv = [sys.executable, "-I", "-S", watchman.__file__, str(theirs), mark]
    return Group.start(argv, cwd=os.sep, env={}, pass_fds=[theirs]).process


def forked(theirs: int, mark: str) -> Child:
    """Start a guard at once, from a process that has no threads yet."""
    from headless_wheel_builder.hooks.headstart import Started

    # Of signals to the group it hears nothing, from its first moment on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if not pid:
            _become(theirs, mark)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    OURS.add(pid)
    return Started(pid, None)


def _become(theirs: int, mark: str) -> NoReturn:
    try:
        os.setsid()
        os.chdir(os.sep)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        # Others wait for the ends of pipes, and of locks.
        os.closerange(3, theirs)
        os.closerange(theirs + 1, DESCRIPTORS)
        watchman.watch(theirs, mark)
    finally:
        os._exit(0)


class Guard:
    """A process that outlives this one for as long as it takes to end what this one has started.

    It is there from the first thing on that it is told of.

    :param start: starts it, with where it is told of groups and what it knows others by
    :param adopts: whether this process is the parent of orphans, and has ended them before it closes the guard
    """

    def __init__(self, start: Callable[[int, str], Child] = spawned, *, adopts: bool = False) -> None:
        self.mark = os.urandom(16).hex()
        # Kept, or it would count as a process that nobody waits for.
        self.process: Child | None = None
        self._start = start
        self._adopts = adopts
        self._has_hosts = False
        self._lock = threading.Lock()
        self._ours = -1

    def begin(self) -> Guard:
        """Start it, unless it runs.

        :raises OSError: it cannot be started
        """
        with self._lock:
            if self.process is None and os.name != "nt":
                self._begin()
        return self

    def _begin(self) -> None:
        theirs, self._ours = map(above_streams, os.pipe())
        try:
            self.process = self._start(theirs, self.mark)
        except BaseException:  # Ctrl-C too: no pipe stays open
            os.close(self._ours)
            raise
        finally:
            os.close(theirs)

    def of_host(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment of a host, by which what its hooks leave is known if nobody adopts that.

        The mark is another one: when this process is killed, a host does more than a guard can, and may not be stopped.
        """
        if self._adopts:
            return env
        self._has_hosts = True
        return watchman.marked(env, self._mark_of_hosts)

    @property
    def _mark_of_hosts(self) -> str:
        return f"{self.mark}-host"

    def note(self, sign: str, running: Stoppable) -> None:
        """Tell it of something that has begun (+) or ended (-), if it is a process group."""
        if isinstance(running, Group):
            # A guard that somebody has killed, or that cannot be, is no reason for a build to fail.
            with contextlib.suppress(OSError):
                self.begin()
                self._tell(f"{sign}{running.process.pid}\n")

    def _tell(self, line: str) -> None:
        if self.process is not None:
            os.write(self._ours, line.encode())

    def close(self) -> None:
        """End it, and what is left of what it was told of, in whatever process group."""
        if self.process is not None:
            with contextlib.suppress(OSError):
                self._tell(".\n" if self._adopts else "!\n")
            os.close(self._ours)
            self.process.wait()
        if self._has_hosts:
            watchman.kill_marked(self._mark_of_hosts)


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

    def environ(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """Return an environment by which the guard knows what starts in it."""
        return watchman.marked(env, self._guard.mark)

    def host_environ(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment of a host, by which the guard knows what its hooks leave if nobody adopts that."""
        return self._guard.of_host(env)

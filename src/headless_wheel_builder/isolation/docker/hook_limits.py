"""What hooks in a container are held to, and what is said when they reach it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.emulation import unsupported
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.fate import Fate, fate, out_of_memory
from headless_wheel_builder.isolation.docker.verification import killed_for_memory


class HookLimits:
    """The limits of one container.

    :param memory: in bytes; None for no limit
    :param seconds: that a hook may take; None for as long as it wants
    """

    def __init__(self, engine: Engine, container: Container, *, memory: int | None, seconds: float | None) -> None:
        self._engine = engine
        self._container = container
        self._memory = memory
        self._seconds = seconds
        self._is_late = False
        self._killed = 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Have the container end when a `with` block takes longer than hooks may."""
        if self._seconds is None:
            yield
            return
        timer = threading.Timer(self._seconds, self._end)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def check(self, returncode: int, files: Mapping[str, str], *, is_gone: bool) -> None:
        """Say why a hook ended, if more is known than its exit code.

        :param files: what is in the files about killed processes, if the container could still tell
        :param is_gone: whether the container has ended with it
        :raises EndedError: that is why
        """
        # Of this hook: a backend may have survived that its children were killed.
        before, self._killed = self._killed, killed_for_memory(files)
        if is_gone:
            found = self.fate()
        elif returncode and self._killed > before:
            found = out_of_memory(self._memory)
        else:
            return
        raise EndedError(returncode, found.cause, found.hint)

    def gone(self, hook: str, reason: str) -> IsolationError:
        """Return the error that says that there was no container any more to run a hook in, or none that could.

        :param reason: what the host said of it; empty if it said nothing
        """
        if reason:
            return IsolationError(f"{hook} could not be run in the container", cause=f"Its host says: {reason}.")
        if error := unsupported(self._container.last_words(), self._container.platform):
            return error
        found = self.fate()
        return IsolationError(f"The container ended before {hook} could be run", cause=found.cause, hint=found.hint)

    def fate(self) -> Fate:
        """Return why the container has gone."""
        if self._is_late:
            return Fate(f"It took longer than {self._seconds:g} seconds.", "Give it more with --hook-timeout.")
        return fate(self._engine, self._container, self._memory)

    def _end(self) -> None:
        self._is_late = True
        self._container.kill()

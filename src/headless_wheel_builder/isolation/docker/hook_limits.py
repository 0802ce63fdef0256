"""What hooks in a container are held to, and what is said when they reach it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.hooks.watchdog import Overdue, Patience, Watchdog
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.emulation import unsupported
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.fate import Fate, fate, out_of_memory
from headless_wheel_builder.isolation.docker.verification import killed_for_memory
from headless_wheel_builder.process import OnOutput, Stop


class HookLimits:
    """The limits of one container.

    :param memory: in bytes; None for no limit
    :param patience: how long a hook may take
    """

    def __init__(
        self, engine: Engine, container: Container, *, memory: int | None, patience: Patience | None = None
    ) -> None:
        self._engine = engine
        self._container = container
        self._memory = memory
        self._patience = patience or Patience()
        self.flags = self._patience.flags
        self._watchdog: Watchdog | None = None
        self._killed = 0

    @contextlib.contextmanager
    def watching(self, stop: Callable[[Stop], None], on_output: OnOutput) -> Iterator[OnOutput]:
        """Have the container end when a hook, for the length of a `with` block, takes longer than it may.

        :param stop: has the hook show where it is
        :param on_output: gets what it prints
        :return: what is to get it instead
        """

        def end(how: Stop) -> None:
            if how == "dump":
                stop(how)
            else:
                self._container.kill()

        with Watchdog(self._patience, end) as self._watchdog:
            yield self._watchdog.hearing(on_output)

    def check(self, returncode: int, files: Mapping[str, str], *, is_gone: bool) -> None:
        """Say why a hook ended, if more is known than its exit code.

        :param files: what is in the files about killed processes, if the container could still tell
        :param is_gone: whether the container has ended with it
        :raises EndedError: that is why
        """
        # Of this hook: a backend may have survived that its children were killed.
        before, self._killed = self._killed, killed_for_memory(files)
        if is_gone or self._overdue is not None:
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
        if self._overdue is not None:
            return Fate(self._overdue.cause, self._overdue.hint)
        return fate(self._engine, self._container, self._memory)

    @property
    def _overdue(self) -> Overdue | None:
        return None if self._watchdog is None else self._watchdog.overdue

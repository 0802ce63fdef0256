"""Use a strategy that satisfies only the promised protocol, someone else's for example, with the blocking engine."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import EnvironmentCreating, Made, RequirementsInstalling
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher
from headless_wheel_builder.isolation.base import (
    BuildEnvironment,
    Context,
    IsolationStrategy,
    PlainSession,
    contradiction,
)
from headless_wheel_builder.isolation.distributions import installed_versions

T = TypeVar("T")


class Waiter(Protocol):
    """Runs an awaitable of the strategy to its end, on the caller's event loop."""

    def __call__(self, awaitable: Awaitable[T], *, cancellable: bool = True) -> T:
        """Return its result.

        :param cancellable: whether it ends early when the build is cancelled; cleaning up must not
        """
        ...


class ForeignProvisioner:
    """Make the engine's requests to an `IsolationStrategy`."""

    isolated = True

    def __init__(self, strategy: IsolationStrategy, wait: Waiter) -> None:
        self._strategy = strategy
        self._wait = wait

    def check(self, python: str | None, context: Context) -> None:
        """Ask the strategy whether it can work here.

        :raises IsolationError: it cannot
        """
        del python, context
        if not self._wait(self._strategy.check_available()):
            name = type(self._strategy).__name__
            raise IsolationError(f"{name} is not available here", cause="Its check_available() said so.")

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[PlainSession]:
        """Have the strategy make environments for one build."""
        yield PlainSession(lambda requirements: self._provision(python, requirements, context))

    @contextlib.contextmanager
    def _provision(
        self, python: str | None, requirements: Sequence[str], context: Context
    ) -> Iterator[ForeignEnvironment]:
        context.report(EnvironmentCreating(type(self._strategy).__name__))
        version = python or ".".join(map(str, sys.version_info[:2]))
        environment = ForeignEnvironment(self._strategy, self._wait, version, context)
        try:
            environment.make(requirements, new=requirements)
            yield environment
        finally:
            environment.clean_up()


class ForeignEnvironment:
    """An environment that is made anew when requirements are added: the protocol has no other way."""

    wants_requirements = True

    def __init__(
        self,
        strategy: IsolationStrategy,
        wait: Waiter,
        version: str,
        context: Context,
    ) -> None:
        self._strategy = strategy
        self._wait = wait
        self._version = version
        self._context = context
        self._requirements: list[str] = []
        self._current: BuildEnvironment | None = None

    @property
    def python(self) -> str:
        """The interpreter."""
        return os.fspath(self._environment.python_path)

    @property
    def env_vars(self) -> dict[str, str]:
        """The whole environment for hooks."""
        return self._environment.env_vars

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution that it has."""
        return installed_versions([os.fspath(self._environment.site_packages)])

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what starts a fresh interpreter for each hook: how to keep one is not promised."""
        del backend
        return self._context.processes

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Make the environment anew, with what a hook asked for.

        :raises DependencyError: the requirements cannot be installed together
        """
        there = sorted(self._requirements)
        try:
            self.make([*there, *requirements], new=requirements)
        except DependencyError as error:
            raise contradiction(asked_by, there=there, asked=requirements, reason=str(error)) from error

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        """Do nothing: hooks write into the folder itself."""
        del kind, folder
        return name

    def make(self, requirements: Sequence[str], *, new: Sequence[str]) -> None:
        """Have an environment made with all of `requirements`, in place of the one that is there."""
        if self._current is not None and not new:
            return
        self.clean_up()
        if new:
            self._context.report(RequirementsInstalling(tuple(sorted(set(new)))))
        self._requirements = list(dict.fromkeys(requirements))
        self._current = self._wait(self._strategy.create_environment(self._version, self._requirements))

    def clean_up(self) -> None:
        """Have the environment cleaned up."""
        current, self._current = self._current, None
        if current is not None:
            self._wait(current.cleanup(), cancellable=False)

    @property
    def _environment(self) -> BuildEnvironment:
        if self._current is None:
            raise IsolationError("The build environment was used after it was cleaned up")
        return self._current

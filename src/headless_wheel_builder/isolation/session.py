"""The virtual environments of one build: those that have the same requirements are one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.events import EnvironmentCreating, Made, RequirementsInstalling
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, Memory
from headless_wheel_builder.isolation.base import Context, contradiction
from headless_wheel_builder.isolation.environment import VirtualEnvironment


class Environments(Protocol):
    """Whatever makes virtual environments for a build."""

    def make(self, requirements: Sequence[str]) -> VirtualEnvironment:
        """Return an environment with requirements."""
        ...

    def extend(
        self, environment: VirtualEnvironment, requirements: Sequence[str], more: Sequence[str]
    ) -> VirtualEnvironment:
        """Return an environment with all of `requirements`, of which the given one has all but `more`."""
        ...

    def memory(self, environment: VirtualEnvironment, backend: BackendPlace) -> Memory | None:
        """Return what is known about the modules that hooks of a backend need in an environment."""
        ...

    def ask(self) -> None:
        """Begin to find out whether all environments are right."""
        ...

    def confirm(self) -> None:
        """Wait until it is certain that all environments are right, or raise `OutdatedError`."""
        ...


class VenvSession:
    """The environments that one build has had so far.

    :param label: how they are made, for the step line
    :param extra_env: variables that hooks get on top of the caller's
    """

    def __init__(self, environments: Environments, context: Context, label: str, extra_env: Mapping[str, str]) -> None:
        self.environments = environments
        self.context = context
        self.extra_env = extra_env
        self.ask = environments.ask
        self.confirm = environments.confirm
        self._label = label
        self._made: dict[tuple[str, ...], VirtualEnvironment] = {}

    @contextlib.contextmanager
    def provision(self, requirements: Sequence[str]) -> Iterator[VenvEnvironment]:
        """Have an environment for the length of a `with` block.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        self.context.report(EnvironmentCreating(self._label))
        yield VenvEnvironment(self, requirements)

    def environment(
        self, requirements: Sequence[str], more: Sequence[str], before: VirtualEnvironment | None
    ) -> VirtualEnvironment:
        """Return the environment with requirements, which have `more` than the environment before.

        One that a hook has changed is not used again.
        """
        if more:
            self.context.report(RequirementsInstalling(tuple(sorted(set(more)))))
        wanted = tuple(sorted(set(requirements)))
        there = self._made.get(wanted)
        if there is not None and there.is_intact():
            return there
        if there is not None:
            there.close()
        if before is None:
            self._made[wanted] = self.environments.make(requirements)
        else:
            self._made[wanted] = self.environments.extend(before, requirements, more)
        return self._made[wanted]


class VenvEnvironment:
    """An environment of a session, as the engine uses it."""

    wants_requirements = True

    def __init__(self, session: VenvSession, requirements: Sequence[str]) -> None:
        self._session = session
        self._requirements = tuple(requirements)
        self._use(session.environment(requirements, requirements, None))

    @property
    def site_packages(self) -> str:
        """Where its packages are."""
        return self._environment.packages[0]

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution that it has, by canonical name, sorted."""
        return self._environment.installed

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Install what a hook asked for, resolved together with what is there.

        :raises DependencyError: the requirements cannot be installed, or contradict those that are there
        """
        everything = (*self._requirements, *requirements)
        try:
            self._use(self._session.environment(everything, requirements, self._environment))
        except DependencyError as error:
            raise contradiction(asked_by, there=self._requirements, asked=requirements, reason=error.cause) from error
        self._requirements = everything

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what runs hooks of a backend in it."""
        memory = self._session.environments.memory(self._environment, backend)
        return self._environment.launcher(backend, self.env_vars, memory)

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        """Do nothing: hooks write into the folder itself."""
        del kind, folder
        return name

    def _use(self, environment: VirtualEnvironment) -> None:
        self._environment = environment
        self.python = environment.python
        self.env_vars = environment.environ(self._session.context.environ, self._session.extra_env)

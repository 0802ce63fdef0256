"""A build environment in containers, as callers from Python have it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.base import BuildEnvironment, OutdatedError
from headless_wheel_builder.isolation.docker.installing import PYTHON
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.session import ContainerEnvironment, ContainerSession


class ContainerBuildEnvironment(BuildEnvironment):
    """An interpreter with build requirements; its paths and variables are those inside of containers.

    :param python: the target interpreter, as it was asked for
    :param requirements: what was asked for
    """

    def __init__(
        self,
        python: str,
        requirements: tuple[str, ...],
        provisioned: Provisioned,
        env_vars: dict[str, str],
        release: Callable[[], None],
    ) -> None:
        super().__init__(Path(PYTHON), Path(provisioned.contents.site_packages), env_vars, release=release)
        self.python = python
        self.requirements = requirements
        self.provisioned = provisioned


def hold(
    opened: contextlib.AbstractContextManager[ContainerSession], python: str, requirements: tuple[str, ...]
) -> ContainerBuildEnvironment:
    """Make an environment that is there until it is cleaned up.

    :param opened: the session of its own that it gets
    :raises IsolationError: it cannot be made
    :raises DependencyError: the requirements cannot be installed
    """
    with contextlib.ExitStack() as on_failure:
        session = on_failure.enter_context(opened)
        environment = _confirmed(session, requirements, on_failure)
        session.settle()
        release = on_failure.pop_all().close
    return ContainerBuildEnvironment(python, requirements, environment.provisioned, environment.env_vars, release)


def held(environment: BuildEnvironment) -> ContainerBuildEnvironment:
    """Return an environment that a caller wants to build in.

    :raises IsolationError: it is not one of containers
    """
    if isinstance(environment, ContainerBuildEnvironment):
        return environment
    raise IsolationError(
        "The environment is not one of containers",
        cause=f"It is a {type(environment).__name__} with {environment.python_path}.",
        hint="Have it made by create_environment() of the same DockerIsolation.",
    )


def _confirmed(
    session: ContainerSession, requirements: tuple[str, ...], on_failure: contextlib.ExitStack
) -> ContainerEnvironment:
    while True:
        environment = on_failure.enter_context(session.provision(requirements))
        try:
            session.confirm()
        except OutdatedError:
            continue
        return environment

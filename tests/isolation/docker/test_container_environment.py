"""Environments that callers hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.isolation.base import BuildEnvironment, OutdatedError
from headless_wheel_builder.isolation.docker.contents import Contents
from headless_wheel_builder.isolation.docker.environment import held, hold
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.session import ContainerSession


class Environment:
    """What a session provisions."""

    def __init__(self, image: str) -> None:
        self.provisioned = Provisioned(image, "key", Contents("/hwb/env/lib/python3.12/site-packages", {}))
        self.env_vars = {"PATH": "/hwb/env/bin:/usr/bin"}


class Session:
    """A session whose guesses are wrong so many times, or that cannot confirm them at all."""

    def __init__(self, wrong: int = 0, error: Exception | None = None) -> None:
        self.log: list[str] = []
        self._wrong = wrong
        self._error = error

    @contextlib.contextmanager
    def open(self) -> Iterator[ContainerSession]:
        self.log.append("opened")
        try:
            yield self  # type: ignore[misc]
        finally:
            self.log.append("closed")

    @contextlib.contextmanager
    def provision(self, requirements: tuple[str, ...]) -> Iterator[Environment]:
        assert requirements == ("flit_core",)
        self.log.append("provisioned")
        yield Environment(f"sha256:{self.log.count('provisioned')}")

    def settle(self) -> None:
        self.log.append("settled")

    def confirm(self) -> None:
        if self._error is not None:
            raise self._error
        if self.log.count("provisioned") <= self._wrong:
            raise OutdatedError


def test_an_environment_has_the_paths_and_variables_of_containers_until_it_is_cleaned_up() -> None:
    session = Session()
    environment = hold(session.open(), "3.12", ("flit_core",))
    assert environment.python_path == Path("/hwb/env/bin/python")
    assert environment.site_packages == Path("/hwb/env/lib/python3.12/site-packages")
    assert environment.env_vars == {"PATH": "/hwb/env/bin:/usr/bin"}
    assert (environment.python, environment.requirements) == ("3.12", ("flit_core",))
    assert session.log == ["opened", "provisioned", "settled"]
    environment.close()
    environment.close()
    assert session.log == ["opened", "provisioned", "settled", "closed"]


def test_an_environment_is_one_that_is_known_to_be_right() -> None:
    session = Session(wrong=2)
    environment = hold(session.open(), "3.12", ("flit_core",))
    assert environment.provisioned.image == "sha256:3"
    environment.close()


def test_what_fails_leaves_nothing_open() -> None:
    session = Session(error=DependencyError("no network"))
    with pytest.raises(DependencyError, match="no network"):
        hold(session.open(), "3.12", ("flit_core",))
    assert session.log[-1] == "closed"


def test_an_environment_of_containers_is_taken() -> None:
    environment = hold(Session().open(), "3.12", ("flit_core",))
    assert held(environment) is environment
    environment.close()


def test_an_environment_of_another_strategy_is_refused_and_named() -> None:
    with pytest.raises(IsolationError, match="The environment is not one of containers") as caught:
        held(BuildEnvironment(Path("/venv/bin/python"), Path("/venv/lib"), {}))
    assert caught.value.cause == "It is a BuildEnvironment with /venv/bin/python."
    assert "create_environment()" in caught.value.hint

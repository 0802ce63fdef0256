from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from support import Recorder, make_context

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import EnvironmentCreating, RequirementsInstalling
from headless_wheel_builder.isolation import BuildEnvironment
from headless_wheel_builder.isolation.foreign import ForeignEnvironment, ForeignProvisioner

T = TypeVar("T")


class Waiter:
    """Runs awaitables on a loop of their own, and remembers which of them could be cancelled."""

    def __init__(self) -> None:
        self.cancellable: list[bool] = []

    def __call__(self, awaitable: Awaitable[T], *, cancellable: bool = True) -> T:
        self.cancellable.append(cancellable)

        async def outcome() -> T:
            return await awaitable

        return asyncio.run(outcome())


class Strategy:
    def __init__(self, *, available: bool = True) -> None:
        self.available = available
        self.made: list[tuple[str, list[str]]] = []
        self.released: list[int] = []

    async def check_available(self) -> bool:
        return self.available

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        number = len(self.made)
        self.made.append((python_version, build_requirements))
        if "broken" in build_requirements:
            raise DependencyError("broken cannot be installed")
        path = Path(f"/env{number}")
        return BuildEnvironment(path / "python", path, {"N": str(number)}, release=lambda: self.released.append(number))


@pytest.fixture
def strategy() -> Strategy:
    return Strategy()


def environment_of(strategy: Strategy, recorder: Recorder | None = None) -> ForeignEnvironment:
    return ForeignEnvironment(strategy, Waiter(), "3.12", make_context(recorder))


def test_the_attributes_are_those_of_the_strategys_environment(strategy: Strategy) -> None:
    provisioner = ForeignProvisioner(strategy, Waiter())
    with provisioner.session("3.12", make_context()) as session, session.provision(["a"]) as environment:
        assert environment.python == "/env0/python"
        assert environment.installed() == {}
        assert environment.env_vars == {"N": "0"}
        assert strategy.released == []
    assert strategy.made == [("3.12", ["a"])]
    assert strategy.released == [0]


def test_without_a_wish_the_version_that_runs_us_is_asked_for(strategy: Strategy) -> None:
    with ForeignProvisioner(strategy, Waiter()).session(None, make_context()) as session, session.provision([]):
        pass
    assert strategy.made == [(".".join(map(str, sys.version_info[:2])), [])]


def test_an_environment_without_requirements_is_made_and_nothing_is_said_of_any(
    strategy: Strategy, recorder: Recorder
) -> None:
    with (
        ForeignProvisioner(strategy, Waiter()).session("3.12", make_context(recorder)) as session,
        session.provision([]),
    ):
        pass
    assert recorder.events == [EnvironmentCreating("Strategy")]


def test_adding_makes_it_anew_with_all_requirements(strategy: Strategy, recorder: Recorder) -> None:
    environment = environment_of(strategy, recorder)
    environment.make(["b", "a"], new=["b", "a"])
    environment.add(["c", "a"], asked_by="hook")
    assert strategy.made == [("3.12", ["b", "a"]), ("3.12", ["a", "b", "c"])]
    assert strategy.released == [0]
    assert environment.python == "/env1/python"
    assert recorder.of(RequirementsInstalling) == [
        RequirementsInstalling(("a", "b")),
        RequirementsInstalling(("a", "c")),
    ]


def test_what_cannot_be_added_is_an_error_with_both_sides(strategy: Strategy) -> None:
    environment = environment_of(strategy)
    environment.make(["a"], new=["a"])
    with pytest.raises(DependencyError) as caught:
        environment.add(["broken"], asked_by="get_requires_for_build_sdist")
    assert "get_requires_for_build_sdist" in caught.value.message
    assert caught.value.cause.splitlines() == [
        "`requires` has: a",
        "get_requires_for_build_sdist asked for: broken",
        "broken cannot be installed",
    ]


def test_cleaning_up_cannot_be_cancelled_and_happens_once(strategy: Strategy) -> None:
    waiter = Waiter()
    environment = ForeignEnvironment(strategy, waiter, "3.12", make_context())
    environment.make([], new=[])
    environment.clean_up()
    environment.clean_up()
    assert strategy.released == [0]
    assert waiter.cancellable == [True, False]


def test_using_it_after_it_was_cleaned_up_is_an_error(strategy: Strategy) -> None:
    environment = environment_of(strategy)
    with pytest.raises(IsolationError, match="after it was cleaned up"):
        _ = environment.python


def test_a_strategy_that_is_not_available_fails_the_check() -> None:
    ForeignProvisioner(Strategy(), Waiter()).check(None, make_context())
    with pytest.raises(IsolationError, match="Strategy is not available here"):
        ForeignProvisioner(Strategy(available=False), Waiter()).check(None, make_context())

from __future__ import annotations

from typing import Any

import pytest

from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.learnt import Learnt

PLACE = BackendPlace("/source", "backend:object", hooks=("build_sdist", "build_wheel"))


def test_modules_are_imported_ahead_only_for_hooks_that_will_be_called_each_once_in_their_order() -> None:
    learnt = Learnt({"build_wheel": ["zipfile", "a"], "build_sdist": ["tarfile", "a"], "other": ["b"]}, ["a"])
    assert learnt.preload(PLACE) == ["zipfile", "a", "tarfile"]
    assert Learnt({}, []).preload(PLACE) == []


def test_a_hook_is_learnt_from_once() -> None:
    learnt = Learnt({}, ["a"])
    assert learnt.wants("build_wheel")
    assert not learnt.is_new
    learnt.learn("build_wheel", ("zipfile",))
    assert not learnt.wants("build_wheel")
    assert learnt.wants("build_sdist")
    assert learnt.is_new


def test_what_is_kept_is_what_is_read_again() -> None:
    learnt = Learnt({}, ("a",))
    learnt.learn("build_wheel", ["zipfile"])
    again = Learnt.parse(learnt.facts())
    assert again is not None
    assert (again.preload(PLACE), again.own, again.is_new) == (["zipfile"], ["a"], False)


GOOD: dict[str, Any] = {"hooks": {"build_wheel": ["zipfile"]}, "own": ["a"]}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"hooks": {}},
        {"own": []},
        {**GOOD, "own": "a"},
        {**GOOD, "own": [1]},
        {**GOOD, "hooks": []},
        {**GOOD, "hooks": {"build_wheel": "zipfile"}},
        {**GOOD, "hooks": {"build_wheel": [["zipfile"]]}},
        {**GOOD, "hooks": {"build_wheel": None}},
    ],
)
def test_what_is_something_else_is_not_learnt_from(answer: dict[str, Any] | None) -> None:
    assert Learnt.parse(GOOD) is not None
    assert Learnt.parse(answer) is None

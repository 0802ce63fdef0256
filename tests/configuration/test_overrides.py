"""Settings of several places become one, and targets get what is for them."""

from __future__ import annotations

from typing import Any

import pytest

from headless_wheel_builder.configuration.overrides import for_target, matches
from headless_wheel_builder.configuration.settings import FIELDS, Configuration, Override, layered

TARGET = "cp312-manylinux_x86_64"
ONE_AND_OTHER: dict[str, tuple[Any, Any]] = {
    "isolation": ("venv", "docker"),
    "installer": ("uv", "pip"),
    "python": (("3.12",), ("3.13",)),
    "platform": (("manylinux",), ("auto",)),
    "arch": (("x86_64",), ("aarch64",)),
    "image": ("a", "b"),
    "image_mirror": ("a", "b"),
    "repair": (False, True),
    "strip": (False, True),
    "only_plat": (False, True),
    "exclude": ((), ("a",)),
    "network": (False, True),
    "memory": ("1g", "2g"),
    "cpus": (1.0, 2.0),
    "mounts": ((), ("a:/b",)),
    "timeout": (1.0, 2.0),
    "hook_timeout": (1.0, 2.0),
    "hook_silence": (1.0, 2.0),
    "clean_env": (False, True),
    "env_cache": (False, True),
    "jobs": (1, 2),
    "fail_fast": (False, True),
    "max_unpacked_size": (1, 2),
    "dependency_constraints": ("a", "b"),
    "skip": (False, True),
}
MAPPINGS = ("env", "config_settings")


@pytest.mark.parametrize("name", ONE_AND_OTHER)
def test_what_the_first_sets_wins_and_what_only_one_sets_holds(name: str) -> None:
    one, other = (Configuration(**{name: setting}) for setting in ONE_AND_OTHER[name])
    assert layered(one, other) == one
    assert layered(other, one) == other
    assert layered(one, Configuration()) == layered(Configuration(), one) == one


@pytest.mark.parametrize("name", MAPPINGS)
def test_mappings_are_merged_by_key(name: str) -> None:
    one, other = Configuration(**{name: {"a": "1", "b": "1"}}), Configuration(**{name: {"b": "2", "c": "2"}})
    assert layered(one, other) == Configuration(**{name: {"a": "1", "b": "1", "c": "2"}})
    assert layered(Configuration(), other) == layered(other, Configuration()) == other


def test_every_setting_is_tested_here() -> None:
    assert set(FIELDS) == {*ONE_AND_OTHER, *MAPPINGS}


@pytest.mark.parametrize(
    ("patterns", "is_meant"),
    [
        (["cp312-*"], True),
        (["cp31*-manylinux*"], True),
        (["*-musllinux*"], False),
        (["*-musllinux*", "*_x86_64"], True),
        (["cp31[0-3]-*"], True),
        (["CP312-*"], False),
        (["cp312"], False),
        ([], False),
    ],
)
def test_patterns_are_those_of_a_shell(patterns: list[str], is_meant: bool) -> None:
    assert matches(Override(tuple(patterns), Configuration()), TARGET) is is_meant


def test_later_overrides_win_and_others_do_not_count() -> None:
    configuration = Configuration(
        memory="1g",
        env={"A": "file", "B": "file"},
        overrides=(
            Override(("cp312-*",), Configuration(memory="2g", env={"A": "first"}, only_plat=True)),
            Override(("pp*",), Configuration(memory="3g", repair=False)),
            Override(("*_x86_64",), Configuration(memory="4g", env={"C": "last"})),
        ),
    )
    assert for_target(configuration, TARGET) == Configuration(
        memory="4g", env={"A": "first", "B": "file", "C": "last"}, only_plat=True
    )
    assert for_target(configuration, "pp311-manylinux_aarch64") == Configuration(
        memory="3g", repair=False, env={"A": "file", "B": "file"}
    )


def test_a_target_may_be_skipped_and_a_later_override_may_take_that_back() -> None:
    skip = Override(("*",), Configuration(skip=True))
    keep = Override(("cp312-*",), Configuration(skip=False))
    assert for_target(Configuration(overrides=(skip,)), TARGET).skip is True
    assert for_target(Configuration(overrides=(skip, keep)), TARGET).skip is False


def test_what_is_stronger_than_a_file_is_stronger_than_its_overrides_too() -> None:
    override = Override(("*",), Configuration(memory="2g", image="b", env={"A": "override", "B": "override"}))
    file = Configuration(memory="1g", env={"A": "file", "C": "file"}, overrides=(override,))
    variables = Configuration(memory="8g", env={"A": "variable"})
    assert for_target(layered(variables, file), TARGET) == Configuration(
        memory="8g", image="b", env={"A": "variable", "B": "override", "C": "file"}
    )
    assert for_target(layered(file, Configuration(image="a")), TARGET).image == "b"

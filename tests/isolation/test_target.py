"""What targets are called, what wheels run there, and which projects are for them."""

from __future__ import annotations

import platform
import sys

import pytest
from jobs.runs import make_target
from packaging.tags import platform_tags

from headless_wheel_builder.errors import InterpreterError
from headless_wheel_builder.isolation.target import (
    Missing,
    is_allowed,
    named_target,
    platforms_of,
    these_platforms,
    this_platform,
)
from headless_wheel_builder.isolation.targets import VersionTarget
from headless_wheel_builder.values import changed


@pytest.mark.parametrize(
    ("implementation", "version", "free_threaded", "interpreter", "words"),
    [
        ("cpython", (3, 12, 1), False, "cp312", "Python 3.12.1"),
        ("cpython", (3, 8), False, "cp38", "Python 3.8"),
        ("cpython", (3, 13, 0), True, "cp313t", "Python 3.13.0t"),
        ("pypy", (3, 11, 13), False, "pp311", "PyPy 3.11.13"),
        ("graalpy", (3, 11), False, "gp311", "GraalPy 3.11"),
    ],
)
def test_a_target_is_called_as_wheels_abbreviate_it(
    implementation: str, version: tuple[int, ...], free_threaded: bool, interpreter: str, words: str
) -> None:
    wanted = VersionTarget(implementation, version, free_threaded)
    target = named_target("x", wanted, "manylinux_x86_64", ())
    assert target.interpreter == interpreter
    assert target.identifier == f"{interpreter}-manylinux_x86_64"
    assert str(target) == f"{words} on manylinux_x86_64"
    assert target.version_target == wanted


def test_what_is_missing_is_called_as_the_user_wrote_it() -> None:
    assert Missing("3.9", "linux_x86_64", InterpreterError("no")).identifier == "3.9-linux_x86_64"


def test_this_platform_is_a_tag_that_wheels_may_have_here() -> None:
    assert this_platform() in these_platforms()
    assert these_platforms() == tuple(platform_tags())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no policy of this system's")
def test_the_platforms_of_the_policy_of_this_machine_are_those_that_packaging_knows() -> None:
    major, minor = platform.libc_ver()[1].split(".")[:2]
    assert {*platforms_of(f"manylinux_{major}_{minor}", platform.machine())} == {*platform_tags()}


def test_a_policy_includes_all_older_ones_and_their_first_names() -> None:
    tags = platforms_of("manylinux_2_17", "x86_64")
    assert tags[:3] == ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_16_x86_64")
    assert tags[-3:] == ("manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64")
    assert "manylinux_2_18_x86_64" not in tags


def test_architectures_that_are_newer_have_no_old_policies() -> None:
    tags = platforms_of("manylinux_2_28", "aarch64")
    assert tags[-3:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64", "linux_aarch64")


def test_the_policies_of_musl_begin_with_the_first_one() -> None:
    assert platforms_of("musllinux_1_2", "x86_64") == (
        "musllinux_1_2_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
        "linux_x86_64",
    )


@pytest.mark.parametrize("policy", ["", "manylinux2014", "debian"])
def test_where_no_policy_is_known_nothing_is_promised(policy: str) -> None:
    assert platforms_of(policy, "x86_64") == ("linux_x86_64",)


@pytest.mark.parametrize(
    ("version", "requires", "is_for"),
    [
        ((3, 10, 4), ">=3.10.4", True),
        ((3, 10, 4), ">=3.10.5", False),
        ((3, 10, 4), "!=3.10.4", False),
        ((3, 10, 4), ">=3.8,<4", True),
        ((3, 10, 4), "", True),
        ((3, 15, 0), ">=3.15", True),
        ((3, 10), ">=3.10", True),
        ((3, 10), ">=3.10.5", True),
        ((3, 10), "<3.10.5", True),
        ((3, 10), "<3.10", False),
        ((3, 10), ">3.10", True),
        ((3, 10), ">=3.11", False),
        ((3, 10), "!=3.10.*", False),
        ((3, 10), "==3.10.*", True),
        ((3, 10), "!=3.10.0", True),
        # Of a patch that is not known, some patch has to be allowed, and it need not be the first or the last.
        ((3, 10), "==3.10.4", True),
        ((3, 10), ">3.10.0,<3.10.5", True),
        ((3, 10), ">=3.10.1,<=3.10.12", True),
        ((3, 10), "~=3.10.2,!=3.10.3,<3.10.8", True),
    ],
)
def test_a_project_is_for_an_interpreter_that_its_specifiers_allow(
    version: tuple[int, ...], requires: str, is_for: bool
) -> None:
    target = changed(make_target("cp310"), version=version)
    assert is_allowed(target, requires) is is_for


def test_specifiers_that_cannot_be_read_are_an_error_of_their_own() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        is_allowed(make_target("cp310"), "nonsense")


def test_the_running_interpreter_is_allowed_by_its_own_version() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    target = changed(make_target("cp310"), version=sys.version_info[:3])
    assert is_allowed(target, f"=={version}")

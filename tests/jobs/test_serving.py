"""Which targets a wheel serves, as packaging reads its tags."""

from __future__ import annotations

import sys

import pytest
from jobs.runs import MUSL, MUSL_PLATFORMS, make_target
from packaging.tags import sys_tags

from headless_wheel_builder.isolation.interpreters import running_interpreter
from headless_wheel_builder.isolation.target import Target, these_platforms, this_platform
from headless_wheel_builder.jobs.serving import is_pure, serves

ABI3 = ["cp39-abi3-manylinux_2_17_x86_64"]
PLATFORM = ["py3-none-manylinux_2_17_x86_64", "py3-none-manylinux2014_x86_64"]


@pytest.mark.parametrize("name", ["cp38", "cp312", "cp313t", "pp311", "gp311"])
def test_a_pure_wheel_serves_every_target(name: str) -> None:
    assert serves(["py3-none-any"], make_target(name))
    assert serves(["py2-none-any", "py3-none-any"], make_target(name, MUSL, MUSL_PLATFORMS))


def test_a_pure_wheel_of_python_2_serves_none() -> None:
    assert not serves(["py2-none-any"], make_target("cp312"))


def test_a_pure_wheel_of_a_newer_python_serves_no_older_one() -> None:
    assert serves(["py310-none-any"], make_target("cp310"))
    assert serves(["py310-none-any"], make_target("cp312"))
    assert not serves(["py310-none-any"], make_target("cp39"))


@pytest.mark.parametrize("name", ["cp39", "cp310", "cp313"])
def test_a_wheel_of_the_limited_api_serves_its_interpreter_and_newer_ones(name: str) -> None:
    assert serves(ABI3, make_target(name))


@pytest.mark.parametrize("name", ["cp38", "cp313t", "pp310"])
def test_a_wheel_of_the_limited_api_serves_no_older_no_free_threaded_and_no_other_one(name: str) -> None:
    assert not serves(ABI3, make_target(name))


@pytest.mark.parametrize("name", ["cp38", "cp313", "cp313t", "pp310"])
def test_a_wheel_of_a_platform_only_serves_every_interpreter_there(name: str) -> None:
    assert serves(PLATFORM, make_target(name))
    assert not serves(PLATFORM, make_target(name, MUSL, MUSL_PLATFORMS))


def test_a_wheel_of_one_interpreter_serves_that_one_only() -> None:
    tags = ["cp313-cp313-manylinux_2_17_x86_64"]
    assert serves(tags, make_target("cp313"))
    assert not serves(tags, make_target("cp313t"))
    assert not serves(tags, make_target("cp312"))
    assert serves(["cp313-cp313t-manylinux_2_17_x86_64"], make_target("cp313t"))


def test_a_wheel_of_a_newer_policy_does_not_serve_an_older_system() -> None:
    assert not serves(["py3-none-manylinux_2_34_x86_64"], make_target("cp312"))
    assert not serves(["py3-none-manylinux_2_17_aarch64"], make_target("cp312"))
    assert serves(["py3-none-linux_x86_64"], make_target("cp312"))


def test_the_running_interpreter_is_served_by_what_packaging_says_that_it_supports() -> None:
    running = running_interpreter()
    target = Target(
        python=sys.executable,
        implementation=running.implementation,
        version=running.version,
        free_threaded=running.free_threaded,
        where=this_platform(),
        platforms=these_platforms(),
    )
    # All but debug builds, whose ABI has a letter of its own.
    assert all(serves([str(tag)], target) for tag in sys_tags() if not tag.abi.endswith("d"))


def test_pure_is_what_has_nothing_of_a_platform() -> None:
    assert is_pure(["py3-none-any"])
    assert is_pure(["py2-none-any", "py3-none-any"])
    assert not is_pure(PLATFORM)
    assert not is_pure(["py3-none-any", *PLATFORM])

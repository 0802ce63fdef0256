from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from jobs.wanted import THIS, environ_of
from support import make_context

from headless_wheel_builder.errors import IsolationError, RequestError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.target import Missing, this_platform
from headless_wheel_builder.jobs.offers import Offers, Place, offers_of, this_place

INTEL = Place(where="linux_x86_64", platforms=("manylinux_2_36_x86_64", "linux_x86_64"))
ARM = Place(where="linux_aarch64", platforms=("linux_aarch64",))


def offers(*names: str) -> Offers:
    return Offers([(names, INTEL)])


def identifiers(found: Iterable[object]) -> list[str]:
    return [getattr(one, "identifier") for one in found]  # noqa: B009 - of either kind


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(environ=environ_of(tmp_path))


def test_all_are_those_of_all_workers_from_the_oldest_to_the_newest(context: Context) -> None:
    many = Offers([(["cp313", "docker", "cp39"], INTEL), (["cp313t", "cp310"], INTEL), (["pp311"], INTEL), ([], ARM)])
    found = ["cp39", "cp310", "cp313", "cp313t", "pp311"]
    assert identifiers(many.find(["all"], context)) == [f"{name}-linux_x86_64" for name in found]


def test_what_is_no_interpreter_is_no_offer(context: Context) -> None:
    assert (
        list(
            offers("docker", "GPU", "cp3", "3.12", "python3.12", "cp27", "cp312-x", "/opt/python").find(
                ["all"], context
            )
        )
        == []
    )


def test_a_target_is_of_the_workers_platform(context: Context) -> None:
    (found,) = Offers([(["cp312"], ARM)]).find(["3.12"], context)
    assert not isinstance(found, Missing)
    assert (found.python, found.version, found.where, found.platforms) == ("cp312", (3, 12), ARM.where, ARM.platforms)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("3.12", "cp312"),
        ("cp312", "cp312"),
        ("3.12.1", "cp312"),
        ("3", "cp313"),
        ("3.13t", "cp313t"),
        ("pypy3.11", "pp311"),
    ],
)
def test_a_version_is_found(context: Context, asked: str, found: str) -> None:
    many = offers("cp312", "cp313", "cp313t", "pp311")
    assert identifiers(many.find([asked], context)) == [f"{found}-linux_x86_64"]


def test_each_target_is_found_once_in_the_order_of_the_names(context: Context) -> None:
    many = offers("cp310", "cp312", "cp313")
    found = [f"{name}-linux_x86_64" for name in ("cp312", "cp310", "cp313")]
    assert identifiers(many.find(["3.12", "cp312", "all"], context)) == found


def test_without_a_name_the_version_that_runs_this_is_meant(context: Context) -> None:
    assert identifiers(offers("cp38", THIS).find([], context)) == [f"{THIS}-linux_x86_64"]
    assert identifiers(offers("cp38", THIS).find([sys.executable], context)) == [f"{THIS}-linux_x86_64"]


@pytest.mark.parametrize(("asked", "said"), [("3.9", "Python 3.9"), ("3.12t", "Python 3.12t")])
def test_what_no_worker_has_is_missing(context: Context, asked: str, said: str) -> None:
    (found,) = offers("cp312", "docker").find([asked], context)
    assert isinstance(found, Missing)
    assert found.error.message == f"No worker has {said}: they have cp312"
    assert "--resources" in found.error.hint


@pytest.mark.parametrize("asked", ["2.7", "/nonexistent/python"])
def test_what_nobody_can_have_is_missing_for_its_own_reason(context: Context, asked: str) -> None:
    (found,) = offers("cp312").find([asked], context)
    assert isinstance(found, Missing)
    assert "No worker" not in found.error.message


def test_what_is_no_interpreter_is_an_error(context: Context) -> None:
    with pytest.raises(RequestError, match="is not an interpreter"):
        offers("cp312").find(["three"], context)


def test_workers_of_several_platforms_have_to_differ_in_their_interpreters(context: Context) -> None:
    with pytest.raises(IsolationError, match="Workers on linux_x86_64 and on linux_aarch64 have cp312"):
        Offers([(["cp312"], INTEL), (["cp312"], ARM)])
    both = Offers([(["cp312"], INTEL), (["cp313"], ARM)])
    assert identifiers(both.find(["all"], context)) == ["cp312-linux_x86_64", "cp313-linux_aarch64"]


def test_a_worker_that_has_gone_meanwhile_offers_nothing(context: Context) -> None:
    found = offers_of({"a": ["cp312"], "b": ["cp313"]}, {"b": this_place(), "c": this_place()}).find(["all"], context)
    assert identifiers(found) == [f"cp313-{this_platform()}"]

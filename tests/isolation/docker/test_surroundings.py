"""The interpreter that the user means is one that the image has, or can install."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from docker.errors import NotFound
from fake_engine import BASE, PYTHON, FakeApi, Ran, engine, facts, interpreter

from headless_wheel_builder.errors import InterpreterError, IsolationError, RequestError
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.container import Plan
from headless_wheel_builder.isolation.docker.surroundings import (
    PLACES,
    Interpreter,
    OnDemand,
    any_python,
    has_policy,
    likely,
    parse,
)

PYPY = {"identifier": "pp311-pypy311_pp73", "implementation": "pypy", "python_version": "3.11"}
BETA = {"identifier": "cp315-cp315t", "implementation": "CPython", "python_version": "3.15.0b1"}


def at(name: str) -> str:
    return f"/opt/python/{name}/bin/python"


IMAGE = parse(
    facts(
        interpreter(at("cp310-cp310"), (3, 10, 19)),
        interpreter(at("cp313-cp313"), (3, 13, 9)),
        interpreter(at("cp313-cp313t"), (3, 13, 9), free_threaded=True),
        interpreter(at("cp314-cp314t"), (3, 14, 2), free_threaded=True),
        interpreter(at("pp310-pypy310_pp73"), (3, 10, 16), name="pypy"),
        interpreter("/usr/bin/python3", (3, 6, 8)),
        on_demand=[PYPY, BETA],
    )
)


@pytest.mark.parametrize(
    ("python", "path"),
    [
        ("3.13", at("cp313-cp313")),
        ("cp313", at("cp313-cp313")),
        ("3.13.9", at("cp313-cp313")),
        ("3.13t", at("cp313-cp313t")),
        ("cp313-cp313t", at("cp313-cp313t")),
        ("3", at("cp310-cp310")),
        ("pypy3.10", at("pp310-pypy310_pp73")),
        ("pp310", at("pp310-pypy310_pp73")),
        ("pp310-pypy310_pp73", at("pp310-pypy310_pp73")),
        (at("cp310-cp310"), at("cp310-cp310")),
        ("/usr/bin/python3", "/usr/bin/python3"),
    ],
)
def test_an_interpreter_is_found_by_version_by_name_and_by_path(python: str, path: str) -> None:
    found = IMAGE.find(python)
    assert isinstance(found, Interpreter)
    assert found.path == path


@pytest.mark.parametrize(
    ("python", "identifier"),
    [
        ("pp311", "pp311-pypy311_pp73"),
        ("pypy3.11", "pp311-pypy311_pp73"),
        ("pp311-pypy311_pp73", "pp311-pypy311_pp73"),
        ("3.15t", "cp315-cp315t"),
    ],
)
def test_an_interpreter_that_can_be_installed_is_found_too(python: str, identifier: str) -> None:
    found = IMAGE.find(python)
    assert isinstance(found, OnDemand)
    assert found.identifier == identifier


@pytest.mark.parametrize(
    "python", ["3.14", "3.12", "3.15", "graalpy3.11", "3.13.8", "/opt/python/cp399-cp399/bin/python", "/usr/bin/pytho"]
)
def test_one_that_is_not_there_is_an_error_that_names_those_that_are(python: str) -> None:
    with pytest.raises(InterpreterError, match=r"There is no .* in the image") as caught:
        IMAGE.find(python)
    assert f"3.13t ({at('cp313-cp313t')})" in caught.value.cause
    assert f"pypy3.10 ({at('pp310-pypy310_pp73')})" in caught.value.cause
    assert caught.value.cause.endswith("It can install pp311-pypy311_pp73, cp315-cp315t.")


def test_what_no_interpreter_is_called_is_an_error() -> None:
    with pytest.raises(RequestError, match="'latest' is not an interpreter"):
        IMAGE.find("latest")
    with pytest.raises(InterpreterError, match="too old"):
        IMAGE.find("3.6")


def test_tools_run_with_the_newest_that_is_like_most() -> None:
    assert IMAGE.newest().path == at("cp313-cp313")


@pytest.mark.parametrize("options", [{"free_threaded": True}, {"name": "pypy"}])
def test_tools_run_with_any_if_there_is_no_other(options: dict[str, Any]) -> None:
    only = [interpreter("/a", (3, 11, 0), **options), interpreter("/b", (3, 12, 0), **options)]
    assert parse(facts(*only)).newest().path == "/b"


def test_only_cpython_imports_backends_ahead() -> None:
    assert [one.is_hosted for one in IMAGE.interpreters] == [True, True, True, True, False, True]


def test_the_name_of_a_container_is_no_variable_of_an_image() -> None:
    assert IMAGE.environ == {"PATH": "/usr/bin", "AUDITWHEEL_PLAT": "manylinux_2_28_x86_64"}


class Image(FakeApi):
    """An engine with an image that has a Python in one place."""

    def __init__(self, path: str, found: dict[str, Any]) -> None:
        super().__init__(self._program)
        self._path = path
        self._found = found

    def _program(self, argv: list[str], _request: Frame) -> Ran:
        assert (argv[0], argv[2:]) == (programs.LOOK, [programs.DESCRIBE])
        return Ran(files={argv[1]: json.dumps(self._found)})

    def get_archive(self, one: str, path: str) -> tuple[Any, dict[str, Any]]:
        assert one in self.made
        if path != self._path:
            raise NotFound(path)
        with Path(__file__).open("rb") as file:
            return file, {}


PLAN = Plan(image=BASE, platform="linux/amd64", argv=())


@pytest.mark.parametrize("path", [PYTHON, "/usr/local/bin/python3", "/usr/bin/python3.9"])
def test_an_image_is_asked_with_whatever_python_it_has(path: str) -> None:
    api = Image(path, facts())
    assert any_python(engine(api), PLAN) == path
    assert sorted(api.gone) == sorted(api.made)
    for made in api.made.values():
        made.stream.close()


def test_an_image_without_a_python_is_an_error_and_leaves_no_container() -> None:
    api = Image("/nowhere", facts())
    with pytest.raises(IsolationError, match="There is no Python in the image"):
        any_python(engine(api), PLAN)
    assert sorted(api.gone) == sorted(api.made)
    for made in api.made.values():
        made.stream.close()


def test_a_python_of_the_packaging_authority_comes_first() -> None:
    assert PLACES[0] == at("cp312-cp312")
    assert PLACES.index(at("cp39-cp39")) < PLACES.index("/usr/local/bin/python3") < PLACES.index("/usr/bin/python3")


@pytest.mark.parametrize(
    ("python", "path"),
    [
        ("3.12", "/opt/python/cp312-cp312/bin/python"),
        ("3.13t", ""),
        ("pp311", ""),
        ("/usr/bin/python3.12", ""),
        ("3", ""),
    ],
)
def test_where_an_interpreter_is_likely_to_be_is_known_of_plain_versions(python: str, path: str) -> None:
    assert likely(python) == path


def test_an_image_is_for_wheels_of_a_policy_if_it_says_so() -> None:
    api = FakeApi()
    api.kept["sha256:plain"] = {"Id": "sha256:plain", "Config": {"Env": None}}
    assert has_policy(engine(api), BASE)
    assert not has_policy(engine(api), "sha256:plain")

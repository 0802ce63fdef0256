from __future__ import annotations

import os

import pytest

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.isolation.targets import PathTarget, VersionTarget, parse_target


@pytest.mark.parametrize(
    ("text", "implementation", "version", "free"),
    [
        ("3", "cpython", (3,), False),
        ("3.12", "cpython", (3, 12), False),
        ("3.12.1", "cpython", (3, 12, 1), False),
        (" 3.12 ", "cpython", (3, 12), False),
        ("312", "cpython", (3, 12), False),
        ("39", "cpython", (3, 9), False),
        ("3.13t", "cpython", (3, 13), True),
        ("3.13T", "cpython", (3, 13), True),
        ("cp313t", "cpython", (3, 13), True),
        ("cp312", "cpython", (3, 12), False),
        ("python3.12", "cpython", (3, 12), False),
        ("CPython-3.12", "cpython", (3, 12), False),
        ("pypy3.10", "pypy", (3, 10), False),
        ("pypy-3.10", "pypy", (3, 10), False),
        ("pp311", "pypy", (3, 11), False),
        ("graalpy3.12", "graalpy", (3, 12), False),
    ],
)
def test_a_version_is_read(text: str, implementation: str, version: tuple[int, ...], free: bool) -> None:
    assert parse_target(text) == VersionTarget(implementation, version, free)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/opt/python/bin/python", "/opt/python/bin/python"),
        ("./python", "{cwd}/python"),
        (".venv", "{cwd}/.venv"),
        ("..", "{parent}"),
        ("venv/bin/python", "{cwd}/venv/bin/python"),
    ],
)
def test_a_path_is_made_absolute(text: str, path: str) -> None:
    cwd = os.getcwd()
    expected = path.format(cwd=cwd, parent=os.path.dirname(cwd))
    assert parse_target(text) == PathTarget(expected)
    assert str(parse_target(text)) == expected


def test_the_home_folder_may_be_abbreviated() -> None:
    assert parse_target("~/python") == PathTarget(os.path.expanduser("~/python"))


@pytest.mark.parametrize("text", ["", "python", "3.", "3.x", "3.1.2.3", "jython3.12", "t", "3.12tt", "latest", "-3"])
def test_what_is_neither_is_refused_with_examples(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_target(text)
    assert repr(text) in caught.value.message
    assert "--python 3.12" in caught.value.hint


@pytest.mark.parametrize("text", ["2.7", "2", "27", "3.7", "3.0.1", "pypy3.7"])
def test_a_version_that_is_too_old_is_refused(text: str) -> None:
    with pytest.raises(InterpreterError, match="too old") as caught:
        parse_target(text)
    assert "3.8" in caught.value.cause


@pytest.mark.parametrize("text", ["3", "3.8", "3.8.0", "38"])
def test_the_oldest_supported_versions_are_not_too_old(text: str) -> None:
    parse_target(text)


@pytest.mark.parametrize(
    ("text", "implementation", "version", "free", "fits"),
    [
        ("3", "cpython", (3, 12, 1), False, True),
        ("3.12", "cpython", (3, 12, 1), False, True),
        ("3.12.1", "cpython", (3, 12, 1), False, True),
        ("3.12.2", "cpython", (3, 12, 1), False, False),
        ("3.1", "cpython", (3, 12, 1), False, False),
        ("3.12", "pypy", (3, 12, 1), False, False),
        ("3.13", "cpython", (3, 13, 0), True, False),
        ("3.13t", "cpython", (3, 13, 0), True, True),
        ("3.13t", "cpython", (3, 13, 0), False, False),
    ],
)
def test_an_interpreter_fits_by_what_it_says_of_itself(
    text: str, implementation: str, version: tuple[int, ...], free: bool, fits: bool
) -> None:
    free_target = text.endswith("t")
    numbers = tuple(map(int, text.rstrip("t").split(".")))
    target = VersionTarget("cpython", numbers, free_target)
    assert target.matches(implementation, version, free_threaded=free) is fits


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("3.12", ("python3.12", "python312", "python3", "python")),
        ("3.12.1", ("python3.12", "python312", "python3", "python")),
        ("3", ("python3", "python")),
        ("3.13t", ("python3.13t", "python313t", "python3t", "python3", "python")),
        ("pypy3.10", ("pypy3.10", "pypy310", "pypy3", "pypy")),
    ],
)
def test_names_on_path_go_from_the_most_exact_to_the_least(text: str, names: tuple[str, ...]) -> None:
    target = parse_target(text)
    assert isinstance(target, VersionTarget)
    assert target.command_names() == names


@pytest.mark.parametrize(
    ("text", "said"),
    [("cp312", "Python 3.12"), ("3.13t", "Python 3.13t"), ("pp310", "PyPy 3.10"), ("gp312", "GraalPy 3.12")],
)
def test_a_version_is_said_as_people_say_it(text: str, said: str) -> None:
    assert str(parse_target(text)) == said

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import build
import pytest
from build._util import format_unmet_dependencies
from support import Recorder, make_context, make_distribution, make_script

from headless_wheel_builder.errors import InterpreterError, IsolationError, UnmetDependenciesError
from headless_wheel_builder.events import Warned
from headless_wheel_builder.isolation import NoIsolation, probe
from headless_wheel_builder.isolation.none import PlainEnvironment


def provision(
    requirements: Sequence[str], *, skip: bool = False, python: str | None = None, report: Recorder | None = None
) -> PlainEnvironment:
    isolation = NoIsolation(skip_dependency_check=skip)
    with isolation.session(python, make_context(report)) as session, session.provision(requirements) as environment:
        assert isinstance(environment, PlainEnvironment)
        environment.check()
        return environment


def theirs(requirements: Sequence[str]) -> str:
    """Return what `build` says of the requirements that are missing here."""
    return format_unmet_dependencies({chain for one in requirements for chain in build.check_dependency(one)})


@pytest.mark.parametrize(
    "requirements",
    [
        ["no-such-thing"],
        ["no-such-thing >= 1, < 2"],
        ["packaging == 0.1"],
        ["packaging"],
        ["z-missing", "a-missing", "packaging < 1"],
        ["no-such-thing; python_version > '3'", "nor-this; python_version < '3'"],
        ["needs-missing"],
        ["no-such-thing[extra] >= 1"],
        ["Needs_Missing >= 2"],
    ],
)
def test_what_is_missing_is_said_in_the_words_of_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requirements: list[str]
) -> None:
    make_distribution(tmp_path, "needs_missing", "1.0", ["packaging", "missing-below > 3"])
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    monkeypatch.syspath_prepend(os.fspath(tmp_path))
    expected = theirs(requirements)
    if "\n" not in expected:
        provision(requirements)
        return
    with pytest.raises(UnmetDependenciesError) as caught:
        provision(requirements)
    assert caught.value.message == expected


def test_the_words_have_the_chain_what_is_wanted_and_what_was_found() -> None:
    with pytest.raises(UnmetDependenciesError) as caught:
        provision(["packaging == 0.1", "no-such-thing"])
    packaging = __import__("packaging").__version__
    assert caught.value.message == (
        f"Unmet dependencies (checked against {sys.executable}):"
        "\n\tno-such-thing\n\t\twanted: any\n\t\tfound: not installed"
        f"\n\tpackaging==0.1\n\t\twanted: ==0.1\n\t\tfound: {packaging}"
    )


def test_without_the_check_nothing_is_looked_for() -> None:
    provision(["no-such-thing"], skip=True).add(["nor-this"], asked_by="hook")


def test_what_a_hook_asks_for_is_looked_for_too() -> None:
    environment = provision(["packaging"])
    environment.add(["packaging"], asked_by="hook")
    with pytest.raises(UnmetDependenciesError, match="no-such-thing"):
        environment.add(["no-such-thing"], asked_by="hook")


def test_the_environment_is_the_callers_untouched() -> None:
    environment = provision([])
    assert environment.env_vars == dict(os.environ)
    assert os.fspath(environment.python) == sys.executable
    assert "packaging" in environment.installed()


def test_nothing_in_the_current_folder_is_imported_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("build", "packaging", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    provision(["packaging"])


def pretending(path: Path, after: str = "", **facts: object) -> str:
    """Make a program that says this of itself when it is asked what it is, and else does what comes `after`."""
    answer = json.dumps({**probe.describe(), "executable": os.fspath(path), **facts})
    text = f"""case "$*" in *check_dependency*) {after};; *) echo '{answer}';; esac"""
    return os.fspath(make_script(path, text))


def test_a_check_that_fails_says_how_to_go_without(tmp_path: Path) -> None:
    python = pretending(tmp_path / "python", "echo broken >&2; exit 1")
    with pytest.raises(IsolationError, match="could not be looked for") as caught:
        provision(["packaging"], python=python)
    assert caught.value.cause == "broken"
    assert "--skip-dependency-check" in caught.value.hint


def test_an_old_interpreter_cannot_be_checked_and_that_is_said(tmp_path: Path, recorder: Recorder) -> None:
    python = pretending(tmp_path / "python", "exit 1", version=[3, 9, 1])
    provision(["no-such-thing"], python=python, report=recorder)
    assert [event.message for event in recorder.of(Warned)] == [
        "Whether the build requirements are there cannot be checked on Python 3.9"
    ]


def test_an_interpreter_that_is_not_there_fails_the_check(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError):
        NoIsolation().check(os.fspath(tmp_path / "missing"), make_context())
    NoIsolation().check(None, make_context())


def test_it_satisfies_the_promised_protocol() -> None:
    async def main() -> None:
        isolation = NoIsolation()
        assert await isolation.check_available()
        async with await isolation.create_environment(sys.executable, ["packaging"]) as environment:
            assert os.fspath(environment.python_path) == sys.executable
            assert environment.env_vars == dict(os.environ)
        with pytest.raises(UnmetDependenciesError):
            await isolation.create_environment(sys.executable, ["no-such-thing"])

    asyncio.run(main())


def test_hooks_that_are_to_know_little_get_no_token_and_an_empty_home() -> None:
    own = {**os.environ, "GITHUB_TOKEN": "s3cret", "HOME": "/home/jane", "CFLAGS": "-O3"}
    isolation = NoIsolation(clean_env=True, extra_env={"EXTRA": "1"})
    with isolation.session(None, make_context(environ=own)) as session, session.provision([]) as environment:
        found = environment.env_vars
        assert os.listdir(found["HOME"]) == []
    assert not {"GITHUB_TOKEN", "HWB_CACHE_DIR"} & found.keys()
    assert (found["EXTRA"], found["CFLAGS"]) == ("1", "-O3")
    assert not os.path.exists(found["HOME"])
    if sys.platform.startswith("linux"):
        assert found["PYTHONUSERBASE"] == "/home/jane/.local"


def test_the_empty_home_is_there_as_long_as_the_environment() -> None:
    async def main() -> str:
        isolation = NoIsolation(clean_env=True)
        async with await isolation.create_environment(sys.executable, []) as environment:
            home = environment.env_vars["HOME"]
            assert os.listdir(home) == []
        return home

    assert not os.path.exists(asyncio.run(main()))

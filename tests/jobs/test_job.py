from __future__ import annotations

import json
from pathlib import Path

import pytest

from headless_wheel_builder import errors
from headless_wheel_builder._version import __version__
from headless_wheel_builder.core.result import Artifact, BuildResult
from headless_wheel_builder.errors import (
    BackendError,
    DependencyError,
    HeadlessWheelBuilderError,
    HookFailedError,
    RequestError,
)
from headless_wheel_builder.jobs.job import Done, Job

JOB = Job(
    sdist="pkg-1.0.tar.gz",
    python="cp313t",
    strategy={"kind": "venv", "config": {"use_uv": True}},
    config_settings={"--option": ["a", "ä"], "flag": ""},
    timeout=600.0,
)
LETTER = {"cause": "the cause ä", "hint": "type this"}


def made(name: str) -> HeadlessWheelBuilderError:
    """Make an error of a class."""
    kind = getattr(errors, name)
    if issubclass(kind, HookFailedError):
        error: HeadlessWheelBuilderError = kind("it failed", hook="build_wheel", returncode=-9, log="a log", **LETTER)
    elif issubclass(kind, BackendError):
        error = kind("it failed", hook="build_wheel", **LETTER)
    else:
        error = kind("it failed", **LETTER)
    return error


def test_a_job_goes_there_and_back_as_text() -> None:
    assert Job.of_json(JOB.to_json()) == JOB
    assert JOB.version == __version__


@pytest.mark.parametrize("more", [{}, {"a field of the future": 1}])
def test_a_job_of_another_version_is_refused(more: dict[str, object]) -> None:
    text = json.dumps({**json.loads(JOB.to_json()), "version": "9999.1", **more})
    with pytest.raises(RequestError, match=r"headless-wheel-builder 9999\.1 cannot be done by") as refused:
        Job.of_json(text)
    assert "the same version everywhere" in refused.value.hint


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_comes_back_as_it_was(name: str) -> None:
    error = made(name)
    with pytest.raises(HeadlessWheelBuilderError) as raised:
        Done.of_error(error).facts()
    assert type(raised.value) is type(error)
    assert vars(raised.value) == vars(error)
    assert str(raised.value) == str(error)


def test_the_log_of_a_failed_hook_travels_once() -> None:
    done = Done.of_error(made("HookFailedError"))
    assert done.log == "a log"
    assert "a log" not in done.report


def test_an_error_of_a_class_that_is_not_known_is_an_error_all_the_same() -> None:
    class StrangeError(DependencyError):
        """One that somebody else has made."""

    with pytest.raises(HeadlessWheelBuilderError) as raised:
        Done.of_error(StrangeError("it failed", **LETTER)).facts()
    assert (raised.value.message, raised.value.cause) == ("it failed", "the cause ä")


def test_an_outcome_has_the_wheel_and_what_was_installed(tmp_path: Path) -> None:
    (tmp_path / "pkg-1.0-py3-none-any.whl").write_bytes(b"PK")
    artifact = Artifact(
        path=tmp_path / "pkg-1.0-py3-none-any.whl",
        kind="wheel",
        name="pkg",
        version="1.0",
        tags=("py3-none-any",),
        size=2,
        sha256="",
    )
    result = BuildResult(artifacts=(artifact,), versions={"wheel": "0.45"}, durations={}, timeline=(), log="said")
    done = Done.of_result(result)
    assert done.wheel == b"PK"
    assert done.log == "said"
    assert done.facts() == {"wheel": "pkg-1.0-py3-none-any.whl", "versions": {"wheel": "0.45"}}

"""Runs for callers from Python: `BuildEngine.build_many`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import LocalBackend
from pretenders import BACKEND, make_pretender, put_wheels, tag_of
from support import SDIST, WHEEL, LocalProject, is_gone, pid_in

from headless_wheel_builder import BuildConfig, BuildEngine
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation import NoIsolation
from headless_wheel_builder.isolation.target import this_platform
from headless_wheel_builder.jobs.task import TaskResult

VERSIONS = [version for version in ((3, 9), (3, 10), (3, 11)) if version != sys.version_info[:2]][:2]
TAGS = [tag_of(version) for version in VERSIONS]
NAMES = [f"cp{major}{minor}-{this_platform()}" for major, minor in VERSIONS]
# The analyzer takes it for one that compiles; the first interpreter gets a pure wheel all the same.
OPTIONAL = f"""
def unused():
    import maturin

def build_wheel(folder, *_):
    tag = os.environ["PRETENDED"]
    return put(folder, {WHEEL!r} if tag == {TAGS[0]!r} else f"pkg-1.0-{{tag}}.whl")
"""
SLEEPING = f"""
def build_wheel(folder, *_):
    if os.environ["PRETENDED"] == {TAGS[0]!r}:
        return put(folder, f"pkg-1.0-{{os.environ['PRETENDED']}}.whl")
    open(HOME + "/pid", "w").write(f"{{os.getpid()}}\\n")
    time.sleep(60)
"""
ENGINE = BuildEngine(BuildConfig(isolation=NoIsolation(skip_dependency_check=True)))


@pytest.fixture
def interpreters(tmp_path: Path) -> list[Path]:
    return [make_pretender(tmp_path / "bin" / f"python{minor}", (3, minor)) for _, minor in VERSIONS]


def project(local_backend: LocalBackend, code: str = BACKEND) -> LocalProject:
    made = local_backend(code)
    put_wheels(made, *TAGS)
    return made


async def collected(*arguments: Any, **more: Any) -> list[TaskResult]:
    return [result async for result in ENGINE.build_many(*arguments, **more)]


def statuses(results: list[TaskResult]) -> dict[str, str]:
    return {result.identifier: result.status for result in results}


def test_each_result_comes_when_its_artifact_is_published(
    local_backend: LocalBackend, interpreters: list[Path]
) -> None:
    made = project(local_backend)

    async def main() -> list[str]:
        found = []
        async for result in ENGINE.build_many([made.source], pythons=interpreters):
            assert result.artifact is not None
            assert result.artifact.path.is_file()
            found.append(result.artifact.path.name)
        return found

    assert asyncio.run(main())[0] == SDIST
    assert sorted(os.listdir(made.dist)) == sorted([SDIST, *(f"pkg-1.0-{tag}.whl" for tag in TAGS)])


def test_what_a_project_is_counts_for_callers_from_python_too(
    local_backend: LocalBackend, interpreters: list[Path]
) -> None:
    made = project(local_backend, OPTIONAL)
    results = asyncio.run(collected([made.source], pythons=interpreters, jobs=1))
    assert statuses(results) == dict.fromkeys(("sdist", *NAMES), "built")


def test_a_failure_is_a_result(local_backend: LocalBackend, interpreters: list[Path], tmp_path: Path) -> None:
    made = project(local_backend)
    results = asyncio.run(collected([made.source, tmp_path / "nowhere"], tmp_path / "out", pythons=interpreters[:1]))
    by_project = {(one.project.name, one.identifier): one for one in results}
    assert by_project["nowhere", "sdist"].status == "failed"
    assert "nowhere is not a directory" in str(by_project["nowhere", "sdist"].error)
    assert by_project["nowhere", NAMES[0]].status == "stopped"
    assert by_project["source", NAMES[0]].status == "built"


def test_who_leaves_early_has_everything_ended_and_keeps_what_is_published(
    local_backend: LocalBackend, interpreters: list[Path]
) -> None:
    made = project(local_backend, SLEEPING)

    async def main() -> None:
        async for _ in ENGINE.build_many([made.source], pythons=interpreters, jobs=2):
            pass

    async def cancelled() -> int:
        task = asyncio.create_task(main())
        pid = await asyncio.to_thread(pid_in, made.home / "pid")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    assert is_gone(asyncio.run(cancelled()))
    assert set(os.listdir(made.dist)) <= {SDIST, f"pkg-1.0-{TAGS[0]}.whl"}
    assert SDIST in os.listdir(made.dist)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": []}, "A run needs a source"),
        ({"sources": ["."], "jobs": 0}, "at least one job"),
        ({"sources": "."}, "sources has to be a list"),
        ({"sources": ["."], "pythons": "3.12"}, "pythons has to be a list"),
        ({"sources": ["."], "sdist": False, "wheel": False}, "Neither sdists nor wheels"),
    ],
)
def test_what_is_no_run_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        asyncio.run(collected(arguments.pop("sources"), **arguments))

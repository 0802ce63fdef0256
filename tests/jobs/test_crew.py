"""Threads that do tasks: real builds with a backend of their own, in the interpreter that runs the tests."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from conftest import LocalBackend
from jobs.runs import make_target
from pretenders import put_wheel
from support import SDIST, WHEEL, FakeProvisioner, LocalProject, make_context, pid_in, wait_for

from headless_wheel_builder.errors import BackendError, DeadlineError, HeadlessWheelBuilderError
from headless_wheel_builder.isolation.capacity import JOB_VARIABLES, Capacity
from headless_wheel_builder.isolation.none import NoIsolation
from headless_wheel_builder.jobs.crew import ThreadCrew, do, sharing
from headless_wheel_builder.jobs.task import Project, SdistTask, WheelTask
from headless_wheel_builder.process import Cancelled
from headless_wheel_builder.values import changed

NOTE = """
def build_wheel(folder, config_settings=None, metadata_directory=None):
    note({name: os.environ.get(name) for name in ("MAKEFLAGS", "MAX_JOBS", "CARGO_BUILD_JOBS")}, config_settings)
    return put(folder, "pkg-1.0-py3-none-any.whl")
"""
HANG = """
def build_wheel(folder, *_):
    with open(os.path.join(HOME, "pid"), "w") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(600)
"""
STRATEGY = NoIsolation(skip_dependency_check=True)


def project(local: LocalProject) -> Project:
    source = os.fspath(local.source)
    return Project(source=source, output_dir=os.fspath(local.dist), name="pkg", from_sdist=False)


def wheel_task(local: LocalProject, **settings: str) -> WheelTask:
    return WheelTask(project=project(local), target=make_target("cp312"), strategy=STRATEGY, config_settings=settings)


def test_an_sdist_is_built_from_its_source_tree(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend()
    own = changed(project(local), config_settings={"a": "b"})
    result = do(SdistTask(project=own, python=None, strategy=STRATEGY), own.source, os.fspath(tmp_path), make_context())
    assert [one.path for one in result.artifacts] == [tmp_path / SDIST]
    assert local.calls[-1].settings == {"a": "b"}
    assert "build_wheel" not in local.hooks


def test_a_wheel_is_built_from_an_sdist_with_its_own_settings(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend()
    sdist = os.fspath(local.home / SDIST)
    result = do(wheel_task(local, opt="2"), sdist, os.fspath(tmp_path), make_context())
    assert [one.path for one in result.artifacts] == [tmp_path / WHEEL]
    assert local.calls[-1].settings == {"opt": "2"}
    assert local.calls[-1].cwd != os.fspath(local.source)
    assert "build_sdist" not in local.hooks


def test_a_wheel_is_built_with_the_interpreter_of_its_target(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend()
    strategy = FakeProvisioner(tmp_path / "site-packages")
    target = make_target("cp312", python="/of/the/target")
    task = changed(wheel_task(local), target=target, strategy=strategy)
    (tmp_path / "out").mkdir()
    do(task, os.fspath(local.home / SDIST), os.fspath(tmp_path / "out"), make_context())
    assert strategy.checked == ["/of/the/target"]
    sdist = SdistTask(project=project(local), python="/of/the/sdist", strategy=strategy)
    do(sdist, os.fspath(local.source), os.fspath(tmp_path / "out"), make_context())
    assert strategy.checked[1:] == ["/of/the/sdist"]


def built(local: LocalProject, tmp_path: Path, environ: dict[str, str], tasks: int) -> dict[str, str | None]:
    """Build a wheel with a share of eight processors, and return the variables that its hook had."""
    crew = ThreadCrew(tasks, Capacity(8, 2**40).share(tasks))
    context = make_context(environ=environ)
    crew.submit(wheel_task(local), os.fspath(local.home / SDIST), os.fspath(tmp_path), context).result()
    crew.shutdown()
    found = local.calls[-1].hook
    assert isinstance(found, dict)
    return found


def test_hooks_are_told_their_share(local_backend: LocalBackend, tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in {*JOB_VARIABLES, "MAKEFLAGS"}}
    found = built(local_backend(NOTE), tmp_path, environ, 2)
    assert found == {"MAKEFLAGS": "-j4", "MAX_JOBS": "4", "CARGO_BUILD_JOBS": "4"}


def test_what_the_user_has_set_wins_variable_by_variable(local_backend: LocalBackend, tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in JOB_VARIABLES}
    found = built(local_backend(NOTE), tmp_path, {**environ, "MAKEFLAGS": "-j9", "MAX_JOBS": ""}, 4)
    assert found == {"MAKEFLAGS": "-j9", "MAX_JOBS": "", "CARGO_BUILD_JOBS": "2"}


def test_other_places_are_told_the_share_apart_from_the_users_variables() -> None:
    share = {"MAKEFLAGS": "-j2", "MAX_JOBS": "2"}
    context = sharing(make_context(environ={"MAX_JOBS": "7"}), share)
    assert context.environ == {"MAX_JOBS": "7", "MAKEFLAGS": "-j2"}
    assert context.share == share


def test_a_crew_has_room_for_so_many_tasks_at_once(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend(HANG)
    crew, context, task = ThreadCrew(1, {}), make_context(), wheel_task(local)
    assert crew.has_room(task)
    future = crew.submit(task, os.fspath(local.home / SDIST), os.fspath(tmp_path), context)
    pid_in(local.home / "pid")
    assert not crew.has_room(task)
    context.processes.cancel()
    with pytest.raises(Cancelled):
        future.result(20)
    wait_for(lambda: crew.has_room(task))
    crew.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("task")]


def test_a_task_that_fails_says_why_with_the_whole_log(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend("def build_wheel(*_):\n    print('compiling', flush=True)\n    sys.exit('no compiler')\n")
    with pytest.raises(HeadlessWheelBuilderError) as caught:
        do(wheel_task(local), os.fspath(local.home / SDIST), os.fspath(tmp_path), make_context())
    assert isinstance(caught.value, BackendError)
    assert "no compiler" in getattr(caught.value, "log", "")
    assert not list(tmp_path.glob("*.whl"))


def test_the_wheel_of_another_project_is_refused(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend('def build_wheel(folder, *_):\n    return put(folder, "other-1.0-py3-none-any.whl")\n')
    put_wheel(local.home, "py3-none-any").rename(local.home / "other-1.0-py3-none-any.whl")
    with pytest.raises(HeadlessWheelBuilderError):
        do(wheel_task(local), os.fspath(local.home / SDIST), os.fspath(tmp_path), make_context())


def test_each_build_may_take_as_long_as_its_project_says(local_backend: LocalBackend, tmp_path: Path) -> None:
    local = local_backend(HANG)
    task = changed(wheel_task(local), project=changed(project(local), timeout=2.0))
    context = make_context()
    with pytest.raises(DeadlineError):
        do(task, os.fspath(local.home / SDIST), os.fspath(tmp_path), context)
    context.processes.checkpoint()

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import pytest
from core.archives import METADATA, PLAIN, make_wheel
from jobs.wanted import DATED, environ_of, made, project, sdist_of, sdist_task, wheel_task
from support import FakeProvisioner, Recorder, make_context, wait_for

from headless_wheel_builder.errors import (
    ArtifactError,
    HeadlessWheelBuilderError,
    HookFailedError,
    HookResultError,
    RequestError,
)
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.none import NoIsolation
from headless_wheel_builder.jobs.elsewhere import ElsewhereCrew, Handed
from headless_wheel_builder.jobs.job import Done, Job
from headless_wheel_builder.jobs.perform import perform
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import ProjectTasks, Task, TaskResult, WheelTask
from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.values import changed

WHEEL = "pkg-1.0-py3-none-any.whl"


class Executed:
    """A job that an executor has."""

    def __init__(self, future: Future[Done]) -> None:
        self._future = future

    def result(self, timeout: float) -> Done | None:
        return None if wait([self._future], timeout).not_done else self._future.result()

    def cancel(self) -> None:
        self._future.cancel()


class Answer:
    """Does every job by the same outcome, or never.

    :param done: None for never
    """

    def __init__(self, done: Done | None) -> None:
        self.done = done
        self.jobs: list[Job] = []
        self.cancelled = 0
        self.asked = threading.Event()

    def __call__(self, job: Job, sdist: bytes, task: WheelTask, context: Context) -> Handed:
        del sdist, task, context
        self.jobs.append(job)
        return self

    def result(self, timeout: float) -> Done | None:
        del timeout
        self.asked.set()
        return self.done

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    return sdist_of(tmp_path / "project", DATED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def spawned() -> Executor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


@contextlib.contextmanager
def crew_of(submit: Callable[..., Handed], slots: int = 2):  # noqa: ANN201 - pytest is told nothing by it
    crew = ElsewhereCrew(submit, slots)
    try:
        yield crew
    finally:
        crew.shutdown()


def answered(sdist: Path, folder: Path, done: Done) -> Future[object]:
    """Return what becomes of a wheel whose job has this outcome."""
    with crew_of(Answer(done)) as crew:
        future: Future[object] = crew.submit(wheel_task(sdist), str(sdist), str(folder), make_context())
    return future


def outcome(name: object, wheel: bytes) -> Done:
    return Done(report=json.dumps({"wheel": name, "versions": {}}), wheel=wheel, log="")


def good_wheel(folder: Path, name: str = "pkg", file: str = WHEEL) -> bytes:
    """Return a wheel that is sound, of a project of that name."""
    made = folder / "made"
    made.mkdir(exist_ok=True)
    files = {
        member.replace("pkg-1.0", f"{name}-1.0"): data.replace(b"Name: pkg", f"Name: {name}".encode())
        for member, data in PLAIN.items()
    }
    assert files[f"{name}-1.0.dist-info/METADATA"] == METADATA.replace(b"pkg", name.encode())
    return make_wheel(made, files, name=file, dist_info=f"{name}-1.0.dist-info").read_bytes()


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), spawned], ids=["threads", "processes"])
def test_wheels_are_made_by_any_executor(
    tmp_path: Path, sdist: Path, folder: Path, make: Callable[[], Executor]
) -> None:
    environ = environ_of(tmp_path)

    def submit(job: Job, content: bytes, _task: WheelTask, _context: Context) -> Handed:
        return Executed(executor.submit(perform, job.to_json(), content, environ))

    with make() as executor, crew_of(submit) as crew:
        task = wheel_task(sdist, config_settings={"a": "b"})
        result = crew.submit(task, str(sdist), str(folder), make_context()).result()
    (artifact,) = result.artifacts
    assert artifact.path == folder / WHEEL
    assert (artifact.name, artifact.version, artifact.tags) == ("pkg", "1.0", ("py3-none-any",))
    assert artifact.size == artifact.path.stat().st_size
    assert "building" in result.log


def test_a_run_publishes_what_was_made_elsewhere(tmp_path: Path) -> None:
    tree = made(tmp_path / "project", DATED)
    environ = environ_of(tmp_path)
    seen: list[TaskResult] = []

    class Listener:
        def started(self, task: Task) -> Recorder:
            del task
            return Recorder()

        def ended(self, result: TaskResult) -> None:
            seen.append(result)

    def submit(job: Job, content: bytes, _task: WheelTask, _context: Context) -> Handed:
        return Executed(executor.submit(perform, job.to_json(), content, environ))

    task = wheel_task(tree.home / "pkg-1.0.tar.gz")
    tasks = ProjectTasks(project=task.project, sdist=None, wheels=(task,))
    with ThreadPoolExecutor(1) as executor:
        results = list(Run([tasks], ElsewhereCrew(submit, 1), make_context(), Listener()).results())
    assert results == seen
    assert [result.status for result in results] == ["built"]
    assert [path.name for path in (tree.home / "out").iterdir()] == [WHEEL]


def test_an_sdist_is_made_here(tmp_path: Path, folder: Path) -> None:
    tree = made(tmp_path / "project")
    answer = Answer(None)
    strategy = FakeProvisioner(tmp_path / "site-packages")
    with crew_of(answer) as crew:
        result = crew.submit(sdist_task(tree.source, strategy), str(tree.source), str(folder), make_context()).result()
    assert [artifact.kind for artifact in result.artifacts] == ["sdist"]
    assert answer.jobs == []


def test_a_job_has_nothing_of_this_machine(sdist: Path, folder: Path) -> None:
    answer = Answer(outcome(WHEEL, good_wheel(folder.parent)))
    with crew_of(answer) as crew:
        crew.submit(wheel_task(sdist), str(sdist), str(folder), make_context()).result()
    (job,) = answer.jobs
    assert "/" not in job.to_json()
    assert job.sdist == "pkg-1.0.tar.gz"


def test_a_strategy_that_makes_sense_here_only_is_refused(sdist: Path, folder: Path) -> None:
    with crew_of(Answer(None)) as crew:
        future = crew.submit(wheel_task(sdist, NoIsolation()), str(sdist), str(folder), make_context())
    with pytest.raises(RequestError, match="done on this machine only"):
        future.result()


@pytest.mark.parametrize(
    "name",
    ["../escaped-1.0-py3-none-any.whl", "/tmp/pkg-1.0-py3-none-any.whl", "a/" + WHEEL, "", ".", "..", "a\0b.whl"],
)
def test_a_wheel_whose_name_is_a_path_is_refused_and_written_nowhere(sdist: Path, folder: Path, name: str) -> None:
    wheel = good_wheel(folder.parent)
    before = {path for path in folder.parent.rglob("*") if "project" not in path.parts}
    with pytest.raises(HookResultError):
        answered(sdist, folder, outcome(name, wheel)).result()
    assert {path for path in folder.parent.rglob("*") if "project" not in path.parts} == before


def test_a_wheel_whose_name_is_wrong_is_refused(sdist: Path, folder: Path) -> None:
    with pytest.raises(HeadlessWheelBuilderError):
        answered(sdist, folder, outcome("other-1.0-py3-none-any.whl", good_wheel(folder.parent))).result()
    with pytest.raises(HeadlessWheelBuilderError):
        answered(sdist, folder, outcome("pkg-1.0.zip", good_wheel(folder.parent))).result()


def test_a_sound_wheel_of_another_project_is_refused(sdist: Path, folder: Path) -> None:
    file = "other-1.0-py3-none-any.whl"
    with pytest.raises(ArtifactError, match="not of the project and version of the sdist"):
        answered(sdist, folder, outcome(file, good_wheel(folder.parent, "other", file))).result()


@pytest.mark.parametrize("keep", [0, 10, -30])
def test_a_wheel_that_is_cut_off_is_refused(sdist: Path, folder: Path, keep: int) -> None:
    with pytest.raises(HeadlessWheelBuilderError):
        answered(sdist, folder, outcome(WHEEL, good_wheel(folder.parent)[:keep])).result()


def test_a_wheel_with_a_damaged_member_is_refused(folder: Path, sdist: Path) -> None:
    wheel = make_wheel(folder.parent, compression=0).read_bytes()
    assert wheel.count(b"x = 1\n") == 1
    with pytest.raises(ArtifactError):
        answered(sdist, folder, outcome(WHEEL, wheel.replace(b"x = 1\n", b"x = 2\n"))).result()


def test_an_error_comes_back_as_if_it_had_happened_here(sdist: Path, folder: Path) -> None:
    error = HookFailedError("it failed", hook="build_wheel", returncode=-9, log="a log", cause="why", hint="do this")
    with pytest.raises(HookFailedError) as raised:
        answered(sdist, folder, Done.of_error(error)).result()
    assert vars(raised.value) == vars(error)


def test_a_job_of_a_run_that_is_cancelled_is_ended_where_it_is_done(sdist: Path, folder: Path) -> None:
    answer, processes = Answer(None), Processes()
    with crew_of(answer) as crew:
        future = crew.submit(wheel_task(sdist), str(sdist), str(folder), make_context(processes=processes))
        assert answer.asked.wait(20)
        processes.cancel()
    with pytest.raises(Cancelled):
        future.result()
    assert answer.cancelled == 1


def test_a_job_of_a_run_that_was_cancelled_before_is_ended_at_once(sdist: Path, folder: Path) -> None:
    answer, processes = Answer(None), Processes()
    processes.cancel()
    with crew_of(answer) as crew:
        future = crew.submit(wheel_task(sdist), str(sdist), str(folder), make_context(processes=processes))
    with pytest.raises(Cancelled):
        future.result()
    assert answer.cancelled == len(answer.jobs)


def test_there_is_room_for_as_many_tasks_as_there_are_slots(sdist: Path, tmp_path: Path) -> None:
    answer, processes, task = Answer(None), Processes(), wheel_task(sdist)
    with crew_of(answer) as crew:
        for name in ("a", "b"):
            assert crew.has_room(task)
            (tmp_path / name).mkdir()
            crew.submit(task, str(sdist), str(tmp_path / name), make_context(processes=processes))
        assert not crew.has_room(task)
        processes.cancel()
        wait_for(lambda: crew.has_room(task))
    assert project(sdist) == task.project


def test_a_job_may_take_as_long_as_its_project_says(tmp_path: Path) -> None:
    sdist = sdist_of(tmp_path / "project", DATED)
    answer = Answer(Done.of_error(HeadlessWheelBuilderError("no")))
    task = wheel_task(sdist)
    crew = ElsewhereCrew(answer, 1)
    own = changed(task, project=changed(task.project, timeout=600.0))
    wait([crew.submit(own, str(sdist), str(tmp_path), make_context())])
    crew.shutdown()
    assert [job.timeout for job in answer.jobs] == [600.0]

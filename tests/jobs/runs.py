"""What tests of runs are made of: targets, tasks, and a crew whose work the test says."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from core.archives import Member, make_sdist
from pretenders import put_wheel
from support import FakeProvisioner, Recorder

from headless_wheel_builder.core.result import Artifact, BuildResult
from headless_wheel_builder.errors import ProjectError
from headless_wheel_builder.events import Kind, Reporter
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.target import Missing, Target, platforms_of
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import Expectation, Project, ProjectTasks, SdistTask, Task, TaskResult, WheelTask

Work: TypeAlias = Callable[[Task, str, Path, Context], BuildResult]

LINUX = "manylinux_x86_64"
PLATFORMS = platforms_of("manylinux_2_28", "x86_64")
MUSL = "musllinux_x86_64"
MUSL_PLATFORMS = platforms_of("musllinux_1_2", "x86_64")


def make_target(
    name: str, where: str = LINUX, platforms: tuple[str, ...] = PLATFORMS, python: str = sys.executable
) -> Target:
    """Return the target that wheels name so: `cp312`, `cp313t`, `pp311`."""
    implementation = {"cp": "cpython", "pp": "pypy", "gp": "graalpy"}[name[:2]]
    number = name[2:].removesuffix("t")
    return Target(
        python=python,
        implementation=implementation,
        version=(int(number[0]), int(number[1:])),
        free_threaded=name.endswith("t"),
        where=where,
        platforms=platforms,
    )


def make_tasks(
    folder: Path,
    *targets: str | Target,
    name: str = "pkg",
    expectation: Expectation = "platform",
    missing: Sequence[Missing] = (),
    is_sdist_wanted: bool = True,
    output_dir: Path | None = None,
) -> ProjectTasks:
    """Return the tasks of a source tree that is made below a folder."""
    source = folder / name
    source.mkdir(parents=True, exist_ok=True)
    strategy = FakeProvisioner(folder / "site-packages")
    project = Project(
        source=os.fspath(source),
        output_dir=os.fspath(output_dir or source / "dist"),
        name=name,
        from_sdist=False,
        wants_sdist=is_sdist_wanted,
        expectation=expectation,
    )
    found = [make_target(one) if isinstance(one, str) else one for one in targets]
    wheels = tuple(WheelTask(project=project, target=one, strategy=strategy) for one in found)
    return ProjectTasks(
        project=project,
        sdist=SdistTask(project=project, python=None, strategy=strategy),
        wheels=wheels,
        missing=tuple(missing),
    )


def result_of(path: Path, kind: Kind, tags: tuple[str, ...] = ()) -> BuildResult:
    """Return what a build of one artifact gives back."""
    artifact = Artifact(path=path, kind=kind, name="pkg", version="1.0", tags=tags, size=1, sha256="")
    return BuildResult(artifacts=(artifact,), versions={}, durations={}, timeline=(), log=f"log of {path.name}")


def sdist_in(folder: Path, requires_python: str = "") -> BuildResult:
    """Make an sdist."""
    lines = ["Metadata-Version: 2.1", "Name: pkg", "Version: 1.0"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    members = [Member("pkg-1.0/PKG-INFO", "\n".join([*lines, ""]).encode()), Member("pkg-1.0/pyproject.toml", b"")]
    return result_of(make_sdist(folder, members), "sdist")


def wheel_in(folder: Path, tag: str) -> BuildResult:
    """Make a wheel; several platforms may be in its tag, with dots."""
    python, abi, platforms = tag.split("-")
    tags = tuple(f"{python}-{abi}-{platform}" for platform in platforms.split("."))
    return result_of(put_wheel(folder, tag), "wheel", tags)


def own_tag(target: Target) -> str:
    """Return the tag of a wheel that is for one target only."""
    abi = target.interpreter if target.implementation == "cpython" else f"{target.implementation}_1"
    return f"{target.interpreter.removesuffix('t')}-{abi}-{target.platforms[0]}"


def build(
    task: Task, _source: str, folder: Path, _context: Context, tags: Mapping[str, str] | None = None
) -> BuildResult:
    """Make an artifact: a wheel with its own tag, unless another one is given for its interpreter."""
    if isinstance(task, SdistTask):
        return sdist_in(folder)
    return wheel_in(folder, (tags or {}).get(task.target.interpreter) or own_tag(task.target))


def building(tags: Mapping[str, str]) -> Work:
    """Return work that gives wheels these tags, by interpreter."""
    return lambda task, source, folder, context: build(task, source, folder, context, tags)


def failing(*identifiers: str, work: Work = build) -> Work:
    """Return work that fails for some tasks."""

    def do(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier in identifiers:
            raise ProjectError(f"{task.identifier} is wrong", cause="That is so.", hint="Mend it.")
        return work(task, source, folder, context)

    return do


def until_cancelled(context: Context, begun: threading.Event | None = None) -> BuildResult:
    """Do nothing until the task is to end early."""
    cancelled = threading.Event()
    with context.processes.on_cancel(cancelled.set):
        if begun is not None:
            begun.set()
        assert cancelled.wait(20)
    context.processes.checkpoint()
    raise AssertionError("not cancelled")


class FakeCrew:
    """Threads that do what the test says."""

    def __init__(self, work: Work = build, slots: int = 1) -> None:
        self._work = work
        self._slots = slots
        self._executor = ThreadPoolExecutor(slots)
        self._running: set[Future[BuildResult]] = set()
        self.begun: list[str] = []
        self.sources: dict[str, str] = {}
        self.is_shut_down = False
        self.was_full = threading.Event()

    def has_room(self, task: Task) -> bool:
        del task
        self._running = {future for future in self._running if not future.done()}
        if len(self._running) < self._slots:
            return True
        self.was_full.set()
        return False

    def submit(self, task: Task, source: str, folder: str, context: Context) -> Future[BuildResult]:
        assert os.listdir(folder) == []
        assert os.path.exists(source)
        self.begun.append(task.identifier)
        self.sources[task.identifier] = source
        future = self._executor.submit(self._work, task, source, Path(folder), context)
        self._running.add(future)
        return future

    def shutdown(self) -> None:
        self._executor.shutdown()
        self.is_shut_down = True


class Watcher:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended_ones: list[TaskResult] = []

    def started(self, task: Task) -> Reporter:
        self.begun.append(task.identifier)
        return Recorder()

    def ended(self, result: TaskResult) -> None:
        self.ended_ones.append(result)


def outcomes(
    tasks: ProjectTasks | Sequence[ProjectTasks],
    crew: FakeCrew,
    context: Context,
    watcher: Watcher | None = None,
    *,
    fail_fast: bool = False,
) -> dict[str, TaskResult]:
    """Do everything, and return what came of each task; none may be told twice."""
    many = [tasks] if isinstance(tasks, ProjectTasks) else tasks
    results = list(Run(many, crew, context, watcher or Watcher(), fail_fast=fail_fast).results())
    named = {(one.project.name, one.identifier): one for one in results}
    assert len(named) == len(results)
    is_one = len(many) == 1
    return {identifier if is_one else f"{project} {identifier}": one for (project, identifier), one in named.items()}


def statuses(results: Mapping[str, TaskResult]) -> dict[str, str]:
    """Return what came of each task in a word; a target is named by its interpreter where it runs on the usual one."""
    return {identifier.removesuffix(f"-{LINUX}"): result.status for identifier, result in results.items()}

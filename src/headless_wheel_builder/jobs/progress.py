"""One project of a run: what is left to do for it, and what was published."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headless_wheel_builder.core.sdist import SdistFacts, check_sdist
from headless_wheel_builder.core.stage import Stage
from headless_wheel_builder.errors import OutputError, ProjectError
from headless_wheel_builder.jobs.durations import Durations
from headless_wheel_builder.jobs.plan import is_for
from headless_wheel_builder.jobs.serving import is_pure, serves
from headless_wheel_builder.jobs.task import ProjectTasks, SdistTask, Status, Task, TaskResult, WheelTask
from headless_wheel_builder.jobs.waiting import Waiting
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from headless_wheel_builder.core.result import Artifact, BuildResult
    from headless_wheel_builder.isolation.base import Context


class Progress:
    """What became of the tasks of a project so far.

    :param stage: artifacts are moved out of it when they are published
    :param published: the artifacts of all projects of the run, and whose they are
    """

    def __init__(self, tasks: ProjectTasks, stage: Stage, published: dict[Path, str], context: Context) -> None:
        self.project = tasks.project
        self.stage = stage
        self._tasks = tasks
        self._published = published
        self._context = context
        self._durations = Durations(context)
        self._waiting = Waiting((), "unknown", {})
        self._wheels: list[Artifact] = []
        self._facts: SdistFacts | None = None
        self._tried: set[str | None] = set()
        self.sdist = self.project.source

    def missing(self) -> list[TaskResult]:
        """Return the results of targets without an interpreter."""
        return [
            TaskResult(project=self.project, identifier=one.identifier, status="missing", error=one.error)
            for one in self._tasks.missing
        ]

    def begin(self) -> list[TaskResult]:
        """Find out what can be done at once, and return the results that are known by that.

        :raises HeadlessWheelBuilderError: the source is an sdist and cannot be used
        """
        if self._tasks.sdist is not None:
            return []
        self._facts = check_sdist(
            Path(self.project.source), self._context.processes.checkpoint, self._context.max_unpacked_size
        )
        return self._begin_wheels(self._facts)

    def ready(self) -> Iterator[WheelTask]:
        """Yield the wheels that can be begun now."""
        return self._waiting.ready()

    def begun(self, task: WheelTask) -> None:
        """Take note that a wheel was begun."""
        self._waiting.begin(task)

    def sdist_built(self, result: BuildResult, seconds: float) -> list[TaskResult]:
        """Publish the sdist if that is wanted, and have the wheels built from it.

        :raises HeadlessWheelBuilderError: it cannot be published
        """
        staged = result.artifacts[0]
        self._facts = check_sdist(staged.path, size=self._context.max_unpacked_size)
        self.sdist = os.fspath(staged.path)
        if not self.project.wants_sdist:
            return self._begin_wheels(self._facts)
        if self._tasks.wheels:
            self.sdist = self._copied(staged.path)
        artifact = self._publish(staged, "sdist")
        built = TaskResult(
            project=self.project,
            identifier="sdist",
            status="built",
            artifact=artifact,
            seconds=seconds,
            log=result.log,
        )
        return [built, *self._begin_wheels(self._facts)]

    def wheel_built(self, task: WheelTask, result: BuildResult, seconds: float) -> list[TaskResult]:
        """Publish a wheel, and return its result and those of targets that it serves too.

        :raises HeadlessWheelBuilderError: it cannot be published
        """
        self._waiting.release(task)
        staged = result.artifacts[0]
        if other := self.serving(task) or self._same(staged, task):
            return [self.result(task, "served", other, seconds)]
        artifact = self._publish(staged, task.identifier)
        self._wheels.append(artifact)
        if self._facts is not None:
            self._durations.remember(self._facts.name, task.identifier, seconds)
        built = changed(self.result(task, "built", artifact, seconds), log=result.log)
        served = self._waiting.take(lambda one: self._serves(artifact, one))
        return [built, *(self.result(one, "served", artifact) for one in served)]

    def serving(self, task: WheelTask) -> Artifact | None:
        """Return a wheel that was published and is for the target of another task too."""
        return next((wheel for wheel in self._wheels if self._serves(wheel, task)), None)

    def failed(self, task: Task) -> None:
        """Take note that a task has failed or was given up: who waited for what it would tell need not any more."""
        if isinstance(task, WheelTask):
            self._waiting.release(task)

    def other_sdist(self, task: SdistTask) -> SdistTask | None:
        """Return the sdist with another interpreter, where that of a task is not there; None if all were tried."""
        self._tried.add(task.python)
        for wheel in self._tasks.wheels:
            if wheel.target.python not in self._tried:
                return changed(task, python=wheel.target.python, strategy=wheel.strategy)
        return None

    def give_up(self) -> list[TaskResult]:
        """Return the results of the wheels that will not be begun any more."""
        return [self.result(task, "stopped") for task in self._waiting.take(lambda _: True)]

    def given_up_wheels(self) -> list[TaskResult]:
        """Return the results of all wheels, where there is no sdist to build them from."""
        return [self.result(task, "stopped") for task in self._tasks.wheels]

    def result(
        self, task: WheelTask, status: Status, artifact: Artifact | None = None, seconds: float = 0.0
    ) -> TaskResult:
        """Return what came of a wheel."""
        return TaskResult(
            project=self.project,
            identifier=task.identifier,
            status=status,
            target=task.target,
            artifact=artifact,
            seconds=seconds,
        )

    def _serves(self, wheel: Artifact, task: WheelTask) -> bool:
        # Of a project that compiles something, a pure wheel is what is left where it could not, or need not.
        has_less = self.project.expectation in {"platform", "abi3"} and is_pure(wheel.tags)
        return not has_less and serves(wheel.tags, task.target)

    def _same(self, staged: Artifact, task: WheelTask) -> Artifact | None:
        """Return the wheel that was published under the name of another that is for its target too."""
        same = (wheel for wheel in self._wheels if wheel.path.name == staged.path.name)
        return next((wheel for wheel in same if serves(wheel.tags, task.target)), None)

    def _begin_wheels(self, facts: SdistFacts) -> list[TaskResult]:
        allowed = [task for task in self._tasks.wheels if is_for(task.target, facts.requires_python)]
        excluded = [task for task in self._tasks.wheels if task not in allowed]
        durations = self._durations.recall(facts.name, (task.identifier for task in allowed))
        self._waiting = Waiting(tuple(allowed), self.project.expectation, durations)
        reason = ProjectError(f"{facts.name} {facts.version} requires Python {facts.requires_python}")
        return [changed(self.result(task, "excluded"), error=reason) for task in excluded]

    def _publish(self, artifact: Artifact, identifier: str) -> Artifact:
        path = Path(self.stage.output_dir, artifact.path.name)
        if before := self._published.get(path):
            raise OutputError(
                f"{artifact.path.name} is what {before} made already; that one stays",
                cause="The two would be one file, but neither serves the other's target.",
                hint="Build them in runs of their own, with an --outdir for each.",
            )
        self.stage.make_output_dir()
        self.stage.publish([os.fspath(artifact.path)], lambda: None)
        self._published[path] = f"{self.project.name} {identifier}"
        return changed(artifact, path=path)

    def _copied(self, sdist: Path) -> str:
        # Nobody else's changes to what is published may get into the wheels.
        import shutil

        return shutil.copy2(sdist, self.stage.folder())

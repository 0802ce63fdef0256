"""Do the tasks of many projects, some at once, and publish each artifact when it is there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

from headless_wheel_builder.core.stage import staging
from headless_wheel_builder.errors import HeadlessWheelBuilderError, InterpreterError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.jobs.crew import Crew
from headless_wheel_builder.jobs.progress import Progress
from headless_wheel_builder.jobs.task import Listener, ProjectTasks, SdistTask, Task, TaskResult, WheelTask
from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.shortage import refused
from headless_wheel_builder.values import changed, value

if TYPE_CHECKING:
    from headless_wheel_builder.core.result import BuildResult


@value
class _Running:
    task: Task
    progress: Progress
    processes: Processes
    since: float


class Run:
    """A run in progress.

    :param crew: does the tasks
    :param fail_fast: begin nothing any more when something has failed, and end what runs
    """

    def __init__(
        self,
        tasks: Sequence[ProjectTasks],
        crew: Crew,
        context: Context,
        listener: Listener,
        *,
        fail_fast: bool = False,
    ) -> None:
        self._tasks = tasks
        self._crew = crew
        self._context = context
        self._listener = listener
        self._fail_fast = fail_fast
        self._is_ending = False
        self._running: dict[Future[BuildResult], _Running] = {}
        self._sdists: list[tuple[SdistTask, Progress]] = []
        self._projects: list[Progress] = []

    def results(self) -> Iterator[TaskResult]:
        """Do everything, and yield what came of each task when it is known.

        When this is closed early, what runs is ended before it returns.

        :raises Cancelled: the run was cancelled; what was not finished by then was yielded as `stopped`
        """
        with contextlib.ExitStack() as stages, self._closing():
            published: dict[Path, str] = {}
            for tasks in self._tasks:
                project = tasks.project
                stage = stages.enter_context(staging(project.output_dir, project.source, self._context.report))
                progress = Progress(tasks, stage, published, self._context)
                self._projects.append(progress)
                yield from self._told(self._begin(tasks, progress))
            self._fill()
            while self._running:
                yield from self._told(self._next())
                self._fill()
            yield from self._told([*self._not_begun()])
        self._context.processes.checkpoint()

    def _begin(self, tasks: ProjectTasks, progress: Progress) -> list[TaskResult]:
        if tasks.sdist is not None:
            self._sdists.append((tasks.sdist, progress))
        missing = progress.missing()
        try:
            return [*missing, *progress.begin()]
        except HeadlessWheelBuilderError as error:
            failed = TaskResult(project=tasks.project, identifier="sdist", status="failed", error=error)
            return [*missing, failed, *progress.given_up_wheels()]

    def _told(self, results: Sequence[TaskResult]) -> Iterator[TaskResult]:
        for result in results:
            if self._fail_fast and result.status in {"failed", "missing"}:
                self._end()
            self._listener.ended(result)
            yield result

    def _fill(self) -> None:
        """Begin as much as there is room for."""
        while not (self._is_ending or self._context.processes.cancelled):
            ready = next((one for one in self._ready() if self._crew.has_room(one[0])), None)
            if ready is None:
                return
            self._start(*ready)

    def _ready(self) -> Iterator[tuple[Task, Progress]]:
        # Sdists first: wheels of their projects wait for them.
        yield from tuple(self._sdists)
        for progress in self._projects:
            for task in progress.ready():
                yield task, progress

    def _start(self, task: Task, progress: Progress) -> None:
        try:
            processes = self._context.processes.part()
        except Cancelled:
            return  # since the last look; what was not begun is told at the end
        if isinstance(task, SdistTask):
            self._sdists.remove((task, progress))
        else:
            progress.begun(task)
        context = changed(self._context, processes=processes, report=self._listener.started(task))
        source = task.project.source if isinstance(task, SdistTask) else progress.sdist
        try:
            future = self._crew.submit(task, source, progress.stage.folder(), context)
        except BaseException:  # whatever it is: what may have been begun is ended by it
            processes.cancel()
            self._context.processes.remove(processes)
            raise
        self._running[future] = _Running(task, progress, processes, time.monotonic())

    def _not_begun(self) -> Iterator[TaskResult]:
        for task, progress in self._sdists:
            yield _result(task)
            yield from progress.given_up_wheels()
        for progress in self._projects:
            yield from progress.give_up()

    def _next(self) -> list[TaskResult]:
        """Wait until something has ended, and return what came of it."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        results: list[TaskResult] = []
        for future in done:
            ended = self._running.pop(future)
            self._context.processes.remove(ended.processes)
            results += self._settled(future, ended)
        return results

    def _settled(self, future: Future[BuildResult], ended: _Running) -> list[TaskResult]:
        seconds = time.monotonic() - ended.since
        try:
            results = self._built(future.result(), ended, seconds)
        except (HeadlessWheelBuilderError, OSError, MemoryError) as error:
            if isinstance(error, InterpreterError) and self._is_tried_again(ended, error):
                return []
            ended.progress.failed(ended.task)
            return self._failed(ended, _explained(error), seconds)
        except Cancelled:
            return self._cancelled(ended, seconds)
        self._end_served(ended.progress)
        return results

    def _is_tried_again(self, ended: _Running, error: InterpreterError) -> bool:
        """Tell whether it is an sdist, which any other interpreter can make as well."""
        if not isinstance(ended.task, SdistTask) or not (other := ended.progress.other_sdist(ended.task)):
            return False
        self._context.report(Noticed(f"{error.message}: another interpreter makes the sdist"))
        self._listener.ended(_result(ended.task))
        self._sdists.append((other, ended.progress))
        return True

    def _built(self, result: BuildResult, ended: _Running, seconds: float) -> list[TaskResult]:
        if isinstance(ended.task, SdistTask):
            results = ended.progress.sdist_built(result, seconds)
            if not ended.task.project.wants_sdist:
                # It is in no result, but whoever shows what runs has heard that it was begun.
                self._listener.ended(changed(_result(ended.task), status="built", seconds=seconds, log=result.log))
            return results
        return ended.progress.wheel_built(ended.task, result, seconds)

    def _failed(self, ended: _Running, error: HeadlessWheelBuilderError, seconds: float) -> list[TaskResult]:
        failed = changed(_result(ended.task), status="failed", error=error, seconds=seconds)
        return [failed, *(ended.progress.given_up_wheels() if isinstance(ended.task, SdistTask) else ())]

    def _cancelled(self, ended: _Running, seconds: float) -> list[TaskResult]:
        stopped = changed(_result(ended.task), seconds=seconds)
        if isinstance(ended.task, SdistTask):
            return [stopped, *ended.progress.given_up_wheels()]
        ended.progress.failed(ended.task)
        other = ended.progress.serving(ended.task)
        return [stopped if other is None else changed(stopped, status="served", artifact=other)]

    def _end_served(self, progress: Progress) -> None:
        for one in self._running.values():
            is_served = isinstance(one.task, WheelTask) and one.progress is progress and progress.serving(one.task)
            if is_served and not one.processes.cancelled:
                one.processes.cancel()

    def _end(self) -> None:
        self._is_ending = True
        for one in self._running.values():
            if not one.processes.cancelled:
                one.processes.cancel()

    @contextlib.contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._end()
            self._crew.shutdown()


def _explained(error: HeadlessWheelBuilderError | OSError | MemoryError) -> HeadlessWheelBuilderError:
    return error if isinstance(error, HeadlessWheelBuilderError) else refused(error)


def _result(task: Task) -> TaskResult:
    target = task.target if isinstance(task, WheelTask) else None
    return TaskResult(project=task.project, identifier=task.identifier, status="stopped", target=target)

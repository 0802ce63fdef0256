"""Who does the tasks of a run."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.capacity import Capacity, this_machine
from headless_wheel_builder.jobs.plan import TargetStrategy
from headless_wheel_builder.jobs.task import ProjectTasks, SdistTask, Task
from headless_wheel_builder.values import changed


class Crew(Protocol):
    """Does tasks with the semantics of `concurrent.futures.Executor`."""

    def has_room(self, task: Task) -> bool:
        """Tell whether a task would be begun at once."""
        ...

    def submit(self, task: Task, source: str, folder: str, context: Context) -> Future[BuildResult]:
        """Begin a task.

        :param source: what it is built from: a source tree for an sdist, an sdist for a wheel
        :param folder: an empty one for the artifact
        :param context: its processes are cancelled when the task is to end early
        """
        ...

    def shutdown(self) -> None:
        """Wait until all tasks have ended, and take no more."""
        ...


class Slots:
    """Threads, each of which does or follows a task.

    :param slots: how many tasks are under way at once
    """

    def __init__(self, slots: int) -> None:
        self._executor = ThreadPoolExecutor(slots, thread_name_prefix="task")
        self._slots = slots
        self._running: set[Future[BuildResult]] = set()

    def has_room(self, task: Task) -> bool:
        """Tell whether a thread is free."""
        del task
        self._running = {future for future in self._running if not future.done()}
        return len(self._running) < self._slots

    def shutdown(self) -> None:
        """Wait until all threads have ended."""
        self._executor.shutdown()

    def _begin(self, work: Callable[..., BuildResult], *arguments: object) -> Future[BuildResult]:
        try:
            future = self._executor.submit(work, *arguments)
        except RuntimeError as error:
            raise BlockingIOError(errno.EAGAIN, "No thread can be started") from error
        self._running.add(future)
        return future


class ThreadCrew(Slots):
    """Threads of this process.

    :param slots: how many tasks are done at once
    :param share: variables that tell backends how much each of them may do at once
    """

    def __init__(self, slots: int, share: Mapping[str, str]) -> None:
        super().__init__(slots)
        self._share = share

    def submit(self, task: Task, source: str, folder: str, context: Context) -> Future[BuildResult]:
        """Begin a task on a thread."""
        return self._begin(do, task, source, folder, sharing(context, self._share))


def thread_crew(
    plan: Sequence[ProjectTasks], strategies: Sequence[Provisioner], context: Context, jobs: int | None
) -> ThreadCrew:
    """Return a crew of this process for a plan.

    :param jobs: how many tasks are done at once; None for as many as the machine that builds is enough for
    """
    capacity = min((_capacity(one, context) for one in strategies), key=lambda one: one.tasks)
    count = sum(max(len(tasks.wheels), 1) for tasks in plan)
    slots = jobs or max(1, min(capacity.tasks, count))
    return ThreadCrew(slots, capacity.share(slots))


def _capacity(strategy: Provisioner, context: Context) -> Capacity:
    return strategy.capacity(context) if isinstance(strategy, TargetStrategy) else this_machine()


def do(task: Task, source: str, folder: str, context: Context) -> BuildResult:
    """Do a task, blocking.

    :param folder: where its artifact is, verified, when this returns
    :raises HeadlessWheelBuilderError: it failed
    :raises Cancelled: it was to end early
    """
    if isinstance(task, SdistTask):
        request = BuildRequest(source=source, output_dir=folder, kinds=("sdist",), python=task.python)
        settings = task.project.config_settings
    else:
        request = BuildRequest(source=source, output_dir=folder, kinds=("wheel",), python=task.target.python)
        settings = task.config_settings
    own = changed(request, config_settings=settings, timeout=task.project.timeout)
    return Build(own, task.strategy, context).run()


def sharing(context: Context, share: Mapping[str, str]) -> Context:
    """Return a context in which backends are told how much they may do at once, unless the user has said it."""
    return changed(context, environ={**share, **context.environ}, share=share)

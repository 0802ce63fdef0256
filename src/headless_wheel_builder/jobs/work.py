"""A run for callers who only want to know what comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from headless_wheel_builder.events import Reporter
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.jobs.crew import thread_crew
from headless_wheel_builder.jobs.plan import Wanted, planned
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import Task, TaskResult


def work_on(wanted: Wanted, context: Context, *, jobs: int | None, fail_fast: bool) -> Iterator[TaskResult]:
    """Plan a run and do it, and yield what came of each task when it is known.

    :param jobs: how many tasks are done at once; None for as many as the machine that builds is enough for
    :raises HeadlessWheelBuilderError: nothing can be begun
    :raises Cancelled: the run was cancelled
    """
    plan = planned(wanted, context)
    crew = thread_crew(plan, wanted.strategies, context, jobs)
    yield from Run(plan, crew, context, _Reported(context.report), fail_fast=fail_fast).results()


class _Reported:
    """Hands the events of all tasks to one reporter."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def started(self, task: Task) -> Reporter:
        del task
        return self._report

    def ended(self, result: TaskResult) -> None:
        """Do nothing: results are yielded."""

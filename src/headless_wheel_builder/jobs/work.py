"""A run for callers who only want to know what comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from headless_wheel_builder.core.analyzer import analyze
from headless_wheel_builder.errors import HeadlessWheelBuilderError
from headless_wheel_builder.events import Reporter
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.jobs.choice import known_source
from headless_wheel_builder.jobs.crew import thread_crew
from headless_wheel_builder.jobs.plan import Source, Wanted, planned
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import Task, TaskResult
from headless_wheel_builder.values import changed


def work_on(wanted: Wanted, context: Context, *, jobs: int | None, fail_fast: bool) -> Iterator[TaskResult]:
    """Look at the sources, plan a run and do it, and yield what came of each task when it is known.

    :param jobs: how many tasks are done at once; None for as many as the machine that builds is enough for
    :raises HeadlessWheelBuilderError: nothing can be begun
    :raises Cancelled: the run was cancelled
    """
    plan = planned(changed(wanted, sources=tuple(map(_known, wanted.sources))), context)
    crew = thread_crew(plan, wanted.strategies, context, jobs)
    yield from Run(plan, crew, context, _Reported(context.report), fail_fast=fail_fast).results()


def _known(source: Source) -> Source:
    try:
        return known_source(source.path, analyze(source.path))
    except HeadlessWheelBuilderError:
        return source  # its build says what is wrong


class _Reported:
    """Hands the events of all tasks to one reporter."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def started(self, task: Task) -> Reporter:
        del task
        return self._report

    def ended(self, result: TaskResult) -> None:
        """Do nothing: results are yielded."""

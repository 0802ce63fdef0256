"""Tasks that are done as jobs of plain data, by any `concurrent.futures.Executor`."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Protocol

from headless_wheel_builder.core.artifacts import Staged, check_agreement, take_artifact
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.core.sdist import check_sdist
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.portable import facts_of
from headless_wheel_builder.jobs.crew import Slots, do
from headless_wheel_builder.jobs.job import Done, Job
from headless_wheel_builder.jobs.task import SdistTask, Task, WheelTask
from headless_wheel_builder.process import Cancelled
from headless_wheel_builder.values import changed

# Seconds between two looks whether the run was cancelled.
PERIOD: Final = 0.1


class Handed(Protocol):
    """A job that was handed over."""

    def result(self, timeout: float) -> Done | None:
        """Wait for its outcome, and return it; None if there is none after so many seconds.

        :raises HeadlessWheelBuilderError: there will be none
        """
        ...

    def cancel(self) -> None:
        """End it where it is done, and return when its processes are gone, or too much time is."""
        ...


class Submit(Protocol):
    """Hands jobs over."""

    def __call__(self, job: Job, sdist: bytes, task: WheelTask, context: Context) -> Handed:
        """Hand a job over.

        :param context: gets the job's events
        """
        ...


class ElsewhereCrew(Slots):
    """Sdists are made here, wheels elsewhere; each wheel is verified here again.

    :param slots: how many tasks are under way at once
    """

    def __init__(self, submit: Submit, slots: int) -> None:
        super().__init__(slots)
        self._submit = submit

    def submit(self, task: Task, source: str, folder: str, context: Context) -> Future[BuildResult]:
        """Begin a task: an sdist here, a wheel elsewhere."""
        if isinstance(task, SdistTask):
            return self._begin(do, _here(task), source, folder, context)
        return self._begin(self._hand_over, task, source, folder, context)

    def _hand_over(self, task: WheelTask, source: str, folder: str, context: Context) -> BuildResult:
        job = Job(
            sdist=os.path.basename(source),
            # A path means nothing elsewhere.
            python=task.target.interpreter,
            strategy=facts_of(task.strategy),
            config_settings=task.config_settings,
            timeout=task.project.timeout,
            max_unpacked_size=context.max_unpacked_size,
        )
        with open(source, "rb") as file:
            content = file.read()
        handed = self._submit(job, content, task, context)
        result = _taken(_awaited(handed, context), folder, context)
        facts = check_sdist(Path(source), context.processes.checkpoint, context.max_unpacked_size)
        check_agreement(facts, result.artifacts[0])
        return result


def _here(task: SdistTask) -> SdistTask:
    """Return the task of an sdist without an interpreter that may be elsewhere only."""
    from headless_wheel_builder.isolation.venv import VenvIsolation

    return changed(task, python=None) if isinstance(task.strategy, VenvIsolation) else task


def _awaited(handed: Handed, context: Context) -> Done:
    """Return the outcome of a job, or have it ended where it is done when the run is cancelled."""
    done = None
    while done is None:
        try:
            context.processes.checkpoint()
        except Cancelled:
            handed.cancel()
            raise
        done = handed.result(PERIOD)
    return done


def _taken(done: Done, folder: str, context: Context) -> BuildResult:
    facts = done.facts()
    name = str(facts["wheel"])
    # A name that is none is for the verification to refuse.
    if name == os.path.basename(name) and "\0" not in name and name not in {"", ".", ".."}:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(done.wheel)
    staged: Staged = take_artifact(
        folder,
        name,
        "wheel",
        output_dir=folder,
        report=context.report,
        checkpoint=context.processes.checkpoint,
    )
    return BuildResult(
        artifacts=(staged.artifact,),
        versions=dict(facts["versions"]),
        durations={},
        timeline=(),
        log=done.log,
    )

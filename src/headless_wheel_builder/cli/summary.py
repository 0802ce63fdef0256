"""What came of a run, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from headless_wheel_builder.errors import BackendError, HeadlessWheelBuilderError
from headless_wheel_builder.jobs.task import PROBLEMS, TaskResult

HEADS: Final = ("target", "result", "seconds", "")


def name_of(result: TaskResult, *, is_one_project: bool) -> str:
    """Return what a task is called in a run."""
    return result.identifier if is_one_project else f"{result.project.name} {result.identifier}"


def is_one_project(results: Sequence[TaskResult]) -> bool:
    """Tell whether all results are of one project."""
    return len({result.project.source for result in results}) <= 1


def detail(result: TaskResult) -> str:
    """Return what is worth knowing about a result in one line."""
    if result.status == "served" and result.artifact is not None:
        return f"{result.artifact.path.name} is for it too"
    if result.artifact is not None:
        return result.artifact.path.name
    if result.error is not None:
        return _line(result.error)
    return "not finished" if result.status == "stopped" else ""


def _line(error: HeadlessWheelBuilderError) -> str:
    first = error.message.partition("\n")[0]
    if isinstance(error, BackendError) and error.cause:
        return f"{first}: {error.cause.strip().splitlines()[-1]}"
    # What is below it is what it announces.
    return " ".join(error.message.split()) if first.endswith(":") else first


def table(results: Sequence[TaskResult]) -> list[str]:
    """Return the lines of the table; problems come last, where they are seen."""
    alone = is_one_project(results)
    ordered = sorted(results, key=lambda result: result.status in PROBLEMS)
    rows = [HEADS, *(_row(result, name_of(result, is_one_project=alone)) for result in ordered)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    aligned: tuple[Callable[[str, int], str], ...] = (str.ljust, str.ljust, str.rjust)
    return [
        "  ".join(
            [*(align(cell, width) for align, cell, width in zip(aligned, row, widths, strict=False)), row[3]]
        ).rstrip()
        for row in rows
    ]


def _row(result: TaskResult, name: str) -> tuple[str, str, str, str]:
    return name, result.status, f"{result.seconds:.1f}" if result.seconds else "", detail(result)

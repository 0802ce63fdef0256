"""The table of a run."""

from __future__ import annotations

from pathlib import Path

from jobs.runs import LINUX, make_tasks, wheel_in

from headless_wheel_builder.cli.summary import table
from headless_wheel_builder.errors import ProjectError
from headless_wheel_builder.jobs.task import Status, TaskResult


def result(folder: Path, identifier: str, status: Status, name: str = "pkg", **more: object) -> TaskResult:
    project = make_tasks(folder, name=name).project
    return TaskResult(**{"project": project, "identifier": identifier, "status": status, **more})  # type: ignore[arg-type]


def test_each_target_has_a_line_and_problems_come_last(tmp_path: Path) -> None:
    wheel = wheel_in(tmp_path, "py3-none-any").artifacts[0]
    failed = ProjectError("It is wrong\nand more", cause="So.")
    found = table(
        [
            result(tmp_path, f"cp310-{LINUX}", "failed", error=failed, seconds=12.34),
            result(tmp_path, "3.9", "missing", error=ProjectError("Python 3.9 was not found")),
            result(tmp_path, f"cp311-{LINUX}", "built", artifact=wheel, seconds=1.0),
            result(tmp_path, f"cp312-{LINUX}", "served", artifact=wheel),
            result(tmp_path, f"cp38-{LINUX}", "excluded", error=ProjectError("pkg 1.0 requires Python >=3.9")),
            result(tmp_path, f"cp313-{LINUX}", "stopped"),
        ]
    )
    assert found == [
        "target                  result    seconds",
        "cp311-manylinux_x86_64  built         1.0  pkg-1.0-py3-none-any.whl",
        "cp312-manylinux_x86_64  served             pkg-1.0-py3-none-any.whl is for it too",
        "cp38-manylinux_x86_64   excluded           pkg 1.0 requires Python >=3.9",
        "cp310-manylinux_x86_64  failed       12.3  It is wrong",
        "3.9                     missing            Python 3.9 was not found",
        "cp313-manylinux_x86_64  stopped            not finished",
    ]


def test_targets_of_several_projects_are_told_apart(tmp_path: Path) -> None:
    found = table([result(tmp_path, "sdist", "built", name=name) for name in ("one", "two")])
    assert [line.split()[:2] for line in found[1:]] == [["one", "sdist"], ["two", "sdist"]]
    alone = table([result(tmp_path, identifier, "built") for identifier in ("sdist", "cp310")])
    assert [line.split()[0] for line in alone[1:]] == ["sdist", "cp310"]

"""What is shown of tasks on a screen, in a pipe, and in services that fold logs."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.screens import Pty
from jobs.runs import LINUX, make_tasks, wheel_in
from support import wait_for

from headless_wheel_builder.cli.board import Board
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.errors import HookFailedError, InterpreterError, ProjectError
from headless_wheel_builder.events import ArtifactBuilding, HookOutput, LayerProgress, Noticed, Warned
from headless_wheel_builder.jobs.task import ProjectTasks, Status, TaskResult, WheelTask

NAME = f"cp310-{LINUX}"
Screens = Callable[..., Pty]


class Pipe:
    """Our stderr, where it is no screen."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def pipe(capsys: pytest.CaptureFixture[str]) -> Pipe:
    return Pipe(capsys)


@pytest.fixture
def tasks(tmp_path: Path) -> ProjectTasks:
    return make_tasks(tmp_path, "cp310", "cp311")


def make_board(environ: dict[str, str] | None = None, verbosity: int = 0, *, names_projects: bool = False) -> Board:
    own = environ or {}
    return Board(Terminal(own, verbosity), own, verbosity, names_projects=names_projects)


def result(task: WheelTask, status: Status, folder: Path | None = None, **more: object) -> TaskResult:
    if folder is not None:
        folder.mkdir(exist_ok=True)
        more["artifact"] = wheel_in(folder, "py3-none-any").artifacts[0]
    return TaskResult(**{"project": task.project, "identifier": task.identifier, "status": status, **more})  # type: ignore[arg-type]


def test_in_a_pipe_the_log_of_each_task_comes_whole_with_a_heading(
    pipe: Pipe, tasks: ProjectTasks, tmp_path: Path
) -> None:
    board = make_board()
    first, second = (board.started(task) for task in tasks.wheels)
    for number in range(3):
        first(HookOutput(f"first {number}\n"))
        second(HookOutput(f"second {number}\n"))
    first(ArtifactBuilding("wheel"))
    assert pipe.getvalue() == ""
    board.ended(result(tasks.wheels[1], "built", tmp_path / "1", seconds=2.04))
    board.ended(result(tasks.wheels[0], "failed", error=ProjectError("It is wrong", cause="So.", hint="Mend it.")))
    assert pipe.getvalue().splitlines() == [
        f"* cp311-{LINUX}: built in 2.0 s, pkg-1.0-py3-none-any.whl",
        "second 0",
        "second 1",
        "second 2",
        f"* {NAME}: failed, It is wrong",
        "first 0",
        "first 1",
        "first 2",
        "* Building wheel...",
        "ERROR It is wrong",
        "  So.",
        "  Mend it.",
    ]


def test_logs_of_tasks_on_many_threads_never_interleave(pipe: Pipe, tmp_path: Path) -> None:
    tasks = make_tasks(tmp_path, *(f"cp3{minor}" for minor in range(10, 18)))
    board = make_board()
    barrier = threading.Barrier(len(tasks.wheels))

    def work(task: WheelTask) -> None:
        report = board.started(task)
        for number in range(50):
            barrier.wait(20)
            report(HookOutput(f"{task.identifier} {number}\n"))
        board.ended(result(task, "built"))

    threads = [threading.Thread(target=work, args=(task,)) for task in tasks.wheels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs = re.split(r"^\* .*\n", pipe.getvalue(), flags=re.MULTILINE)[1:]
    found = {log.split(" ", 1)[0]: log for log in logs}
    assert found == {
        task.identifier: "".join(f"{task.identifier} {number}\n" for number in range(50)) for task in tasks.wheels
    }


def test_a_log_that_is_longer_than_what_is_kept_in_memory_is_whole(
    pipe: Pipe, tasks: ProjectTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headless_wheel_builder.cli.transcript.MEMORY", 100)
    board = make_board()
    report = board.started(tasks.wheels[0])
    text = "".join(f"line {number} 🦀\n" for number in range(1000))
    report(HookOutput(text))
    board.ended(result(tasks.wheels[0], "built"))
    assert pipe.getvalue() == f"* {NAME}: built in 0.0 s\n{text}"


def test_github_folds_the_log_of_each_task(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board({"GITHUB_ACTIONS": "true"})
    board.started(tasks.wheels[0])(HookOutput("log\n"))
    board.ended(result(tasks.wheels[0], "built", seconds=1.0))
    begin, stop, log, go_on, end = pipe.getvalue().splitlines()
    assert (begin, log, end) == (f"::group::{NAME}: built in 1.0 s", "log", "::endgroup::")
    # What a backend prints cannot be a command: only whoever knows the token can go on with those.
    token = stop.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert go_on == f"::{token}::"


def test_the_error_of_a_task_is_not_in_a_fold(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board({"GITHUB_ACTIONS": "true"})
    board.started(tasks.wheels[0])(HookOutput("log\n"))
    board.ended(result(tasks.wheels[0], "failed", error=failure("log\n")))
    assert pipe.getvalue().splitlines()[-2:] == ["::endgroup::", "ERROR Backend failed"]


def test_gitlab_folds_the_log_of_each_task_in_a_section_of_its_own(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board({"GITLAB_CI": "true"})
    for task in tasks.wheels:
        board.started(task)(HookOutput("log\n"))
        board.ended(result(task, "built"))
    sections = re.findall(
        r"\x1b\[0Ksection_start:(\d+):([\w.-]+)\[collapsed=true\]\r\x1b\[0K(.*)\nlog\n"
        r"\x1b\[0Ksection_end:(\d+):([\w.-]+)\r\x1b\[0K\n",
        pipe.getvalue(),
    )
    assert [(begin, title) for _, begin, title, _, _ in sections] == [
        (f"{name}_{LINUX}", f"{name}-{LINUX}: built in 0.0 s") for name in ("cp310", "cp311")
    ]
    assert all(int(began) <= int(ended) and begin == end for began, begin, _, ended, end in sections)


@pytest.mark.parametrize("environ", [{"GITHUB_ACTIONS": "false"}, {"GITLAB_CI": ""}])
def test_elsewhere_nothing_is_folded(pipe: Pipe, tasks: ProjectTasks, environ: dict[str, str]) -> None:
    board = make_board(environ)
    board.started(tasks.wheels[0])
    board.ended(result(tasks.wheels[0], "built"))
    assert pipe.getvalue() == f"* {NAME}: built in 0.0 s\n"


def test_what_was_never_begun_is_one_line(pipe: Pipe, tasks: ProjectTasks, tmp_path: Path) -> None:
    board = make_board()
    board.ended(result(tasks.wheels[0], "served", tmp_path / "1"))
    board.ended(result(tasks.wheels[1], "excluded", error=ProjectError("pkg 1.0 requires Python >=3.12", cause="So.")))
    board.ended(result(tasks.wheels[1], "stopped"))
    assert pipe.getvalue().splitlines() == [
        f"{NAME}: served, pkg-1.0-py3-none-any.whl is for it too",
        f"cp311-{LINUX}: excluded, pkg 1.0 requires Python >=3.12",
    ]


@pytest.mark.parametrize("status", ["missing", "failed"])
def test_a_problem_of_what_was_never_begun_is_told_in_full(pipe: Pipe, tasks: ProjectTasks, status: Status) -> None:
    board = make_board()
    error = InterpreterError("Python 3.9 was not found", cause="Looked here.", hint="Install it.")
    board.ended(result(tasks.wheels[0], status, error=error))
    assert pipe.getvalue().splitlines() == [
        f"{NAME}: {status}, Python 3.9 was not found",
        "ERROR Python 3.9 was not found",
        "  Looked here.",
        "  Install it.",
    ]


def test_quietly_the_log_of_a_task_comes_only_when_it_fails(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board(verbosity=-1)
    for task in tasks.wheels:
        board.started(task)(HookOutput("log\n"))
    board.ended(result(tasks.wheels[0], "built"))
    assert "log" not in pipe.getvalue()
    board.ended(result(tasks.wheels[1], "failed", error=failure("log\n")))
    assert pipe.getvalue().splitlines()[-3:-1] == [f"* cp311-{LINUX}: failed, Backend failed", "log"]


def test_very_quietly_only_what_went_wrong_is_said(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board(verbosity=-2)
    for task in tasks.wheels[:2]:
        report = board.started(task)
        report(HookOutput("log\n"))
        report(Noticed("hello"))
    report(Warned("it is old"))
    board.ended(result(tasks.wheels[0], "failed", error=failure("log\n")))
    board.ended(result(tasks.wheels[1], "built"))
    lines = pipe.getvalue().splitlines()
    assert lines[0].startswith(f"* {NAME}: failed, Backend failed")
    assert lines[1:] == ["log", "ERROR Backend failed", f"WARNING cp311-{LINUX}: it is old"]


@pytest.mark.parametrize("verbosity", [-2, 0])
def test_a_warning_that_many_tasks_have_is_said_once(pipe: Pipe, tasks: ProjectTasks, verbosity: int) -> None:
    board = make_board(verbosity=verbosity)
    for task in tasks.wheels[:2]:
        board.started(task)(Warned("no room is left"))
        board.ended(result(task, "built"))
    assert pipe.getvalue().count("no room is left") == 1


def failure(log: str) -> HookFailedError:
    return HookFailedError("Backend failed", hook="build_wheel", returncode=1, log=log)


def test_tasks_of_several_projects_are_told_apart(pipe: Pipe, tmp_path: Path) -> None:
    board = make_board(names_projects=True)
    # Of one name: a workspace may have the same folder twice, at different places.
    both = [make_tasks(tmp_path / place, "cp310").wheels[0] for place in ("one", "two")]
    reports = [board.started(task) for task in both]
    for place, report in zip(("one", "two"), reports, strict=True):
        report(HookOutput(f"log of {place}\n"))
    board.ended(result(both[0], "built"))
    board.ended(result(both[1], "built"))
    title = f"* pkg {NAME}: built in 0.0 s"
    assert pipe.getvalue().splitlines() == [title, "log of one", title, "log of two"]


def test_colours_are_those_that_the_user_wants(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board({"FORCE_COLOR": "1"})
    board.started(tasks.wheels[0])
    board.ended(result(tasks.wheels[0], "failed", error=ProjectError("It is wrong")))
    assert pipe.getvalue().splitlines() == [
        f"\33[1m* {NAME}: failed, It is wrong\33[0m",
        "\33[91mERROR\33[0m It is wrong",
    ]


def test_that_colour_is_wanted_and_not_wanted_is_said_once(pipe: Pipe, tasks: ProjectTasks) -> None:
    board = make_board({"NO_COLOR": "1", "FORCE_COLOR": "1"})
    for task in tasks.wheels:
        board.started(task)
        board.ended(result(task, "built"))
    assert pipe.getvalue().count("WARNING") == 1
    assert "\33" not in pipe.getvalue()


def test_on_a_screen_each_task_is_a_line_with_its_phase_and_time(open_pty: Screens, tasks: ProjectTasks) -> None:
    tty = open_pty()
    board = make_board()
    with board.drawing():
        reports = [board.started(task) for task in tasks.wheels]
        reports[0](ArtifactBuilding("wheel"))
        reports[1](HookOutput("log\n"))
        phases = [
            f"{name}-{LINUX} +\\d+\\.\\d s  {phase}" for name, phase in (("cp310", "building"), ("cp311", "beginning"))
        ]
        wait_for(lambda: [bool(re.search(*pair)) for pair in zip(phases, tty.read(), strict=False)] == [True, True])
        board.ended(result(tasks.wheels[0], "built", seconds=1.0))
        wait_for(lambda: len(tty.read()) == 2)
        assert tty.read()[0] == f"{NAME}: built in 1.0 s"
        board.ended(result(tasks.wheels[1], "stopped"))
    assert tty.read() == [f"{NAME}: built in 1.0 s"]


def test_no_line_is_left_on_a_screen_when_a_run_breaks_off(open_pty: Screens, tasks: ProjectTasks) -> None:
    tty = open_pty()
    board = make_board()
    with board.drawing():
        board.started(tasks.wheels[0])
        wait_for(lambda: len(tty.read()) == 1)
    assert tty.read() == []
    board.ended(result(tasks.wheels[0], "stopped"))


def test_on_a_screen_the_whole_log_of_a_task_that_failed_is_shown(open_pty: Screens, tasks: ProjectTasks) -> None:
    tty = open_pty()
    board = make_board({"NO_COLOR": "1"})
    with board.drawing():
        reports = [board.started(task) for task in tasks.wheels]
        for report in reports:
            report(HookOutput("log\n"))
        wait_for(lambda: len(tty.read()) == 2)
        board.ended(result(tasks.wheels[0], "failed", error=ProjectError("It is wrong", hint="Mend it.")))
        wait_for(lambda: len(tty.read()) == 5)
        board.ended(result(tasks.wheels[1], "built", seconds=2.0))
    assert tty.read() == [
        f"* {NAME}: failed, It is wrong",
        "log",
        "ERROR It is wrong",
        "  Mend it.",
        f"cp311-{LINUX}: built in 2.0 s",
    ]


def test_on_a_screen_every_log_is_shown_to_who_wants_to_know_all(open_pty: Screens, tasks: ProjectTasks) -> None:
    tty = open_pty()
    board = make_board({"NO_COLOR": "1"}, verbosity=1)
    board.started(tasks.wheels[0])(HookOutput("log\n"))
    board.ended(result(tasks.wheels[0], "built"))
    assert tty.read() == [f"* {NAME}: built in 0.0 s", "log"]


def test_more_tasks_than_lines_are_counted(open_pty: Screens, tmp_path: Path) -> None:
    tty = open_pty(rows=4)
    board = make_board()
    with board.drawing():
        tasks = make_tasks(tmp_path, *(f"cp3{minor}" for minor in range(10, 16))).wheels
        for task in tasks:
            board.started(task)
        wait_for(lambda: len(tty.read()) == 3)
        assert tty.read()[-1] == "  and 4 more"
        for task in tasks:
            board.ended(result(task, "stopped"))
    assert tty.read() == []


def test_layers_of_an_image_are_a_phase_of_their_task_and_no_lines_of_their_own(
    open_pty: Screens, tasks: ProjectTasks
) -> None:
    tty = open_pty()
    board = make_board({"NO_COLOR": "1"})
    with board.drawing():
        reports = [board.started(task) for task in tasks.wheels]
        for report in reports:
            report(LayerProgress("a" * 12, "downloading", 1, 2))
            report(LayerProgress("a" * 12, "pulled", 2, 2))
        wait_for(lambda: len(tty.read()) == 2)
        assert all(line.endswith("pulling the image") for line in tty.read())
        board.ended(result(tasks.wheels[0], "failed", error=ProjectError("It is wrong")))
        board.ended(result(tasks.wheels[1], "served"))
    assert tty.read() == [
        f"* {NAME}: failed, It is wrong",
        "  Pulled layer aaaaaaaaaaaa: 2 B",
        "ERROR It is wrong",
        f"cp311-{LINUX}: served",
    ]


@pytest.mark.parametrize(
    ("environ", "verbosity", "shown"),
    [
        ({"TERM": "dumb"}, 0, [f"* {NAME}: built in 0.0 s", "  hello"]),
        # A log that nobody asked for is not shown on a screen, quietly or not.
        ({}, -1, [f"{NAME}: built in 0.0 s"]),
    ],
)
def test_who_wants_no_screen_gets_no_lines_that_change(
    open_pty: Screens, tasks: ProjectTasks, environ: dict[str, str], verbosity: int, shown: list[str]
) -> None:
    tty = open_pty()
    board = make_board({**environ, "NO_COLOR": "1"}, verbosity)
    with board.drawing():
        report = board.started(tasks.wheels[0])
        report(Noticed("hello"))
        assert not [thread for thread in threading.enumerate() if thread.name == "board"]
        board.ended(result(tasks.wheels[0], "built"))
    assert tty.read() == shown
    assert "\33" not in tty.raw


def test_without_a_stderr_nothing_is_shown_and_nothing_fails(
    tasks: ProjectTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    board = make_board()
    with board.drawing():
        board.started(tasks.wheels[0])(HookOutput("log\n"))
        board.ended(result(tasks.wheels[0], "failed", error=ProjectError("It is wrong")))

"""What others wrote neither steers the screen nor commands the service that runs the build."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hostile.properties import bounded
from hostile.screen import screen_of
from hostile.words import TEXTS
from hypothesis import given

from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.board import Board
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.core.report import report_text
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.errors import HookFailedError, ProjectError
from headless_wheel_builder.events import (
    CommandOutput,
    CommandStarted,
    EnvironmentCreating,
    Event,
    Explained,
    HookOutput,
    IsolationChosen,
    LayerProgress,
    Noticed,
    RequirementsInstalling,
    VersionsInstalled,
    Warned,
)
from headless_wheel_builder.isolation.venv import VenvIsolation
from headless_wheel_builder.jobs.task import Project, SdistTask, TaskResult


def events(text: str) -> list[Event]:
    return [
        Warned(text), Noticed(text), Explained(text), IsolationChosen(text), CommandOutput(text),
        EnvironmentCreating(text), CommandStarted(("a", text)), RequirementsInstalling((text, text)),
        VersionsInstalled({text: text}), LayerProgress(text, "there"),
    ]  # fmt: skip


@bounded(80)
@given(TEXTS)
def test_nothing_that_we_print_is_a_command_or_steers_the_screen(text: str) -> None:
    def say(terminal: Terminal) -> None:
        for event in events(text):
            terminal(event)
        for method in (terminal.warn, terminal.note, terminal.head, terminal.tip):
            method(text)
        terminal.error(text, text, text)
        terminal.built([text, text])

    screen_of(say).check()
    screen_of(say, {"FORCE_COLOR": "1"}).check()


@bounded(50)
@given(TEXTS)
def test_json_of_anything_is_json_and_can_be_printed(text: str) -> None:
    value = {text: [text, {"a": text}]}
    for ascii_only in (True, False):
        told = escaping.as_json(value, ascii_only=ascii_only)
        assert json.loads(told) == value
        screen_of(lambda terminal, told=told: terminal.data(told)).check()  # type: ignore[misc]
        assert escaping.harmless(told) == told
    artifact = Artifact(path=Path("/out", f"a{text}".replace("/", "").replace("\0", "")), kind="wheel", name=text,
                        version=text, tags=(), size=1, sha256="")  # fmt: skip
    assert json.loads(report_text(None, [artifact]))["artifacts"][0]["name"] == artifact.path.name


def test_what_is_harmless_is_printed_as_it_is() -> None:
    text = "Grüße: a::b, #[x], ## [y], 日本語\n\ttab\n: x"
    assert escaping.harmless(escaping.text(text)) == text
    assert escaping.as_json({"ä": "✓"}) == json.dumps({"ä": "✓"}, ensure_ascii=False, indent=2)


def test_names_are_shown_as_python_writes_them() -> None:
    assert escaping.line("a\n\33[2J\u202e") == "a\\n\\x1b[2J\\u202e"
    assert escaping.harmless("  ::error::x\n::group::y") == "  \\x3a:error::x\n\\x3a:group::y"
    assert escaping.harmless("a ##[error]b ##vso[c]") == "a \\x23#[error]b \\x23#vso[c]"


def test_a_line_that_is_wrapped_does_not_become_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = screen_of(lambda terminal: terminal(RequirementsInstalling((f"{'x' * 34} ::error::y",))))
    assert "\\x3a:error::y" in screen.getvalue()
    screen.check()


NAME = "pkg\n::error::x\33[2J%0A"


def built(environ: dict[str, str], *, verbosity: int = 0, error: HookFailedError | None = None) -> str:
    project = Project(source=".", output_dir=".", name=NAME, from_sdist=False)
    task = SdistTask(project=project, python=None, strategy=VenvIsolation())

    def run(_: Terminal) -> None:
        board = Board(Terminal(environ, verbosity), environ, verbosity, names_projects=True)
        report = board.started(task)
        report(HookOutput("::error::the backend's own, and no end of a line"))
        status = "failed" if error else "built"
        board.ended(TaskResult(project=project, identifier="sdist", status=status, error=error))

    return screen_of(run).getvalue()


def test_a_project_cannot_name_a_group_of_github_so_that_it_is_another_command() -> None:
    lines = built({"GITHUB_ACTIONS": "true"}).splitlines()
    commands = [number for number, line in enumerate(lines) if line.startswith("::")]
    group, stop, own, resume, end = (lines[number] for number in commands)
    assert group.startswith("::group::pkg\\n::error::x\\x1b[2J%250A sdist: built")
    token = stop.removeprefix("::stop-commands::")
    assert own == "::error::the backend's own, and no end of a line"
    assert (resume, end) == (f"::{token}::", "::endgroup::")


def test_a_project_cannot_name_a_section_of_gitlab_so_that_it_is_another() -> None:
    section = built({"GITLAB_CI": "true"}).split("\n")[0]
    assert re.fullmatch("\33\\[0Ksection_start:\\d+:pkg_\\[collapsed=true\\]\r\33\\[0K[ -~]*", section)


def test_a_log_that_is_shown_for_an_error_gives_github_no_commands() -> None:
    error = HookFailedError("It failed\n::warning::x", hook="build_sdist", returncode=1, log="::error::own")
    lines = built({"GITHUB_ACTIONS": "true"}, verbosity=-1, error=error).splitlines()
    at = lines.index("::error::own")
    assert lines[at - 1].startswith("::stop-commands::")
    assert lines[at + 1] == f"::{lines[at - 1].removeprefix('::stop-commands::')}::"
    assert "\\x3a:warning::x" in lines


def test_an_error_with_the_name_of_a_hostile_file_is_one_block() -> None:
    error = ProjectError(f"{NAME} is no project", cause=NAME)
    screen_of(lambda terminal: terminal.error(error.message, error.cause)).check()

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Recorder

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import CommandOutput, CommandStarted, HookOutput, Warned
from headless_wheel_builder.hooks.launcher import OutputMode
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import LONGEST_LINE, HookRunner, Speaker, by_lines
from headless_wheel_builder.process import Cancelled, Processes

TALK = "import os; os.write(1, b'out\\n'); os.write(2, b'err'); os.write(1, b'\\nlast')"


class Runner:
    """A runner with an environment of its own."""

    def __init__(self, output: OutputMode = "capture", environ: Mapping[str, str] | None = None) -> None:
        self.recorder = Recorder()
        self.log = Log()
        self.processes = Processes()
        self.runner = HookRunner(self.processes, environ or {}, output=output, log=self.log, report=self.recorder)

    def run(self, code: str, control: Path | str = "/nowhere", **options: object) -> None:
        self.runner([sys.executable, "-I", "-S", "-c", code, os.fspath(control)], **options)  # type: ignore[arg-type]


def test_captured_output_goes_to_the_log_and_out_in_pieces(capfd: pytest.CaptureFixture[str]) -> None:
    runner = Runner("capture")
    runner.run(TALK)
    assert runner.log.text() == "out\nerr\nlast"
    assert "".join(event.text for event in runner.recorder.of(HookOutput)) == "out\nerr\nlast"
    assert capfd.readouterr() == ("", "")


def test_output_by_lines_is_one_event_a_line_after_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    runner = Runner("lines")
    runner.run(TALK)
    started, *lines = runner.recorder.events
    assert isinstance(started, CommandStarted)
    assert started.argv[0] == sys.executable
    assert lines == [CommandOutput("out"), CommandOutput("err"), CommandOutput("last")]
    assert runner.log.text() == "out\nerr\nlast"
    assert capfd.readouterr() == ("", "")


def test_inherited_output_goes_to_our_own_streams_apart(capfd: pytest.CaptureFixture[str]) -> None:
    runner = Runner("inherit")
    runner.run(TALK)
    assert capfd.readouterr() == ("out\n\nlast", "err")
    assert runner.recorder.events == []
    assert runner.log.text() == ""


@pytest.mark.parametrize("output", ["capture", "lines"])
def test_a_program_that_prints_nothing_is_no_output(output: OutputMode) -> None:
    runner = Runner(output)
    runner.run("pass")
    assert [event for event in runner.recorder.events if not isinstance(event, CommandStarted)] == []


def test_bytes_that_are_not_utf_8_do_no_harm() -> None:
    runner = Runner("lines")
    runner.run("import os; os.write(1, b'gr\\xfc\\xdfe\\n')")
    assert runner.recorder.of(CommandOutput) == [CommandOutput("gr\ufffd\ufffde")]


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(5)", 5), ("import os; os.kill(os.getpid(), 9)", -9)])
def test_a_failure_is_what_pyproject_hooks_expects(code: str, status: int) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        Runner().run(code)
    assert caught.value.returncode == status


def test_the_environment_is_the_given_one_with_what_pyproject_hooks_adds(tmp_path: Path) -> None:
    runner = Runner(environ={"ONE": "1", "TWO": "2"})
    code = "import os; print(os.environ.get('ONE'), os.environ.get('TWO'), os.environ.get('HOME'), os.getcwd())"
    runner.run(code, cwd=os.fspath(tmp_path), extra_environ={"TWO": "3"})
    assert runner.log.text() == f"1 3 None {os.path.realpath(tmp_path)}\n"


def test_an_interpreter_that_is_gone_is_an_isolation_error() -> None:
    with pytest.raises(IsolationError, match="cannot be started"):
        Runner().runner(["/nowhere/python", "x"])


def test_a_cancelled_build_runs_no_hook() -> None:
    runner = Runner()
    runner.processes.cancel()
    with pytest.raises(Cancelled):
        runner.run("print(1)")


def test_warnings_in_the_answer_become_events_and_leave_the_rest_of_it(tmp_path: Path) -> None:
    runner = Runner()
    code = (
        "import json, sys\n"
        "answer = {'return_val': 'x.whl', 'warnings': [{'message': 'old', 'category': 'UserWarning'}]}\n"
        "json.dump(answer, open(sys.argv[-1] + '/output.json', 'w'))"
    )
    runner.run(code, tmp_path)
    assert runner.recorder.of(Warned) == [Warned("old")]
    assert (tmp_path / "output.json").read_text() == '{"return_val": "x.whl"}'


@pytest.mark.parametrize("content", ["", "{", "\udcff"])
def test_an_answer_that_cannot_be_read_is_left_for_whoever_reads_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "output.json").write_bytes(content.encode(errors="surrogateescape"))
    Runner().run("pass", tmp_path)
    assert (tmp_path / "output.json").read_bytes() == content.encode(errors="surrogateescape")


def lines_of(*texts: str) -> list[str]:
    lines: list[str] = []
    receive = by_lines(lines.append)
    for text in (*texts, ""):
        receive(text)
    return lines


def test_lines_are_put_together_from_pieces() -> None:
    assert lines_of("on", "e\ntw", "o\n", "\nfour") == ["one", "two", "", "four"]


def test_a_line_without_end_is_handed_on_in_parts() -> None:
    parts = lines_of("x" * LONGEST_LINE, "y", "z\n")
    assert [len(part) for part in parts] == [LONGEST_LINE + 1, 1]
    assert parts[1] == "z"


@given(st.lists(st.text("ab\n", min_size=1, max_size=6), max_size=10))
def test_no_text_is_lost_whatever_the_pieces(texts: list[str]) -> None:
    whole = "".join(texts)
    assert lines_of(*texts) == whole.removesuffix("\n").split("\n") if whole else lines_of() == []


@given(st.text(max_size=30), st.integers(1, 5))
def test_characters_split_between_pieces_are_put_together(text: str, size: int) -> None:
    said: list[str] = []
    speaker = Speaker(Log(), said.append)
    data = text.encode()
    for start in range(0, len(data), size):
        speaker.write(data[start : start + size])
    speaker.close()
    assert "".join(said) == text


def test_half_a_character_at_the_end_is_shown_replaced() -> None:
    said: list[str] = []
    speaker = Speaker(Log(), said.append)
    speaker.write(b"a\xc3")
    speaker.close()
    assert "".join(said) == "a\ufffd"

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.errors import OutputError
from headless_wheel_builder.events import (
    ArtifactBuilding,
    CommandOutput,
    CommandStarted,
    EnvironmentCreating,
    Event,
    HookOutput,
    MetadataPreparing,
    Noticed,
    RequirementsAsking,
    RequirementsInstalling,
    VersionsInstalled,
    Warned,
    WheelFromSdist,
    WheelRepairing,
)

STEPS: list[tuple[Event, str]] = [
    (EnvironmentCreating("venv+uv"), "* Creating isolated environment: venv+uv...\n"),
    (
        RequirementsInstalling(("a >= 1", "b")),
        "* Installing packages in isolated environment:\n  - a >= 1\n  - b\n",
    ),
    (RequirementsAsking("sdist"), "* Getting build dependencies for sdist...\n"),
    (
        VersionsInstalled({"b": "2", "a": "1.0"}),
        "* Installed build dependency versions:\n  - a==1.0\n  - b==2\n",
    ),
    (ArtifactBuilding("wheel"), "* Building wheel...\n"),
    (WheelFromSdist(("wheel",)), "* Building wheel from sdist\n"),
    (WheelRepairing(), "* Repairing wheel...\n"),
    (MetadataPreparing(), "* Getting metadata for wheel...\n"),
    (Noticed("Using external uv from /x"), "  Using external uv from /x\n"),
]
COMMANDS: list[tuple[Event, str]] = [
    (CommandStarted(("uv", "pip", "a b")), "> uv pip 'a b'\n"),
    (CommandOutput("Resolved 1 package"), "< Resolved 1 package\n"),
]
NAMES = ["a-1.tar.gz", "a-1.whl", "b-1.whl"]
NAME = "\33[4m{}\33[0m\33[1m\33[92m"


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def terminal(verbosity: int = 0, environ: Mapping[str, str] | None = None) -> Terminal:
    return Terminal(environ or {}, verbosity)


@pytest.mark.parametrize(("event", "text"), STEPS)
@pytest.mark.parametrize("verbosity", [-3, -2, -1, 0, 1, 2])
def test_steps_are_said_on_stderr_down_to_minus_one(
    event: Event, text: str, verbosity: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(verbosity)(event)
    assert capsys.readouterr() == ("", text if verbosity >= -1 else "")


@pytest.mark.parametrize(("event", "text"), COMMANDS)
@pytest.mark.parametrize("verbosity", [-2, -1, 0, 1, 2])
def test_commands_and_their_output_are_shown_from_one_on(
    event: Event, text: str, verbosity: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(verbosity)(event)
    assert capsys.readouterr() == ("", text if verbosity >= 1 else "")


@pytest.mark.parametrize("verbosity", [-3, 0, 2])
def test_warnings_are_always_said_and_captured_output_never_by_itself(
    verbosity: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(verbosity)(Warned("mend this"))
    terminal(verbosity)(HookOutput("compiling"))
    assert capsys.readouterr() == ("", "WARNING mend this\n")


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """An environment for the sdist and one for the wheel lack the same."""
    said = terminal(0)
    for message in ("mend this", "and this", "mend this"):
        said(Warned(message))
    assert capsys.readouterr() == ("", "WARNING mend this\nWARNING and this\n")


@pytest.mark.parametrize("verbosity", [-3, 0, 2])
def test_errors_and_tips_are_always_said(verbosity: int, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(verbosity).tip("look there")
    terminal(verbosity).error("It failed", "cause\nmore", "", "hint")
    assert capsys.readouterr() == ("", "TIP look there\nERROR It failed\n  cause\n  more\n  hint\n")


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "Successfully built a-1.tar.gz\n"),
        (2, "Successfully built a-1.tar.gz and a-1.whl\n"),
        (3, "Successfully built a-1.tar.gz, a-1.whl and b-1.whl\n"),
        (0, ""),
    ],
)
def test_the_last_line_goes_to_stdout(count: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal().built(NAMES[:count])
    assert capsys.readouterr() == (line, "")


@pytest.mark.parametrize(("verbosity", "is_said"), [(-1, True), (-2, False), (-3, False), (2, True)])
def test_the_last_line_is_said_down_to_minus_one(
    verbosity: int, is_said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(verbosity).built(NAMES[:1])
    assert bool(capsys.readouterr().out) is is_said


def test_data_is_written_at_any_verbosity(capsys: pytest.CaptureFixture[str]) -> None:
    terminal(-5).data("{}")
    assert capsys.readouterr() == ("{}\n", "")


def test_colours_are_those_of_build(capsys: pytest.CaptureFixture[str]) -> None:
    one = terminal(1, {"FORCE_COLOR": "0"})
    one(ArtifactBuilding("sdist"))
    one(CommandStarted(("ls",)))
    one.warn("w")
    one.tip("t")
    one.error("e")
    one.built(NAMES[:2])
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "\33[1m* Building sdist...\33[0m",
        "\33[2m> ls\33[0m",
        "\33[93mWARNING\33[0m w",
        "\33[93mTIP\33[0m t",
        "\33[91mERROR\33[0m e",
    ]
    names = " and ".join(NAME.format(name) for name in NAMES[:2])
    assert out == f"\33[1m\33[92mSuccessfully built {names}\33[0m\n"


@pytest.mark.parametrize(
    ("environ", "is_coloured", "warns"),
    [
        ({}, False, False),
        ({"FORCE_COLOR": ""}, True, False),
        ({"NO_COLOR": ""}, False, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, False, True),
    ],
)
def test_variables_decide_on_colour_by_being_there(
    environ: dict[str, str], is_coloured: bool, warns: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(0, environ).tip("x")
    err = capsys.readouterr().err
    assert ("\33" in err) is is_coloured
    said = "WARNING Both NO_COLOR and FORCE_COLOR environment variables are set, disabling color\n"
    assert err.startswith(said) is warns


def test_each_stream_is_coloured_when_it_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, file = Screen(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", file)
    one = terminal()
    one.tip("x")
    one.built(NAMES[:1])
    assert screen.getvalue() == "\33[93mTIP\33[0m x\n"
    assert file.getvalue() == "Successfully built a-1.tar.gz\n"


def test_long_lines_are_wrapped_two_columns_short_of_the_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "22")
    terminal(1)(CommandOutput("one two three four five six"))
    assert capsys.readouterr().err == "< one two three four\n  five six\n"


@pytest.mark.parametrize(("columns", "width"), [("80", 78), ("1", 78), ("2", 78), ("40", 38)])
def test_a_width_that_makes_no_sense_is_not_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal(1)(CommandOutput("x " * 100))
    assert max(map(len, capsys.readouterr().err.splitlines())) in {width, width - 1}


def test_errors_and_the_last_line_are_never_wrapped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    long = "word " * 30 + "end"
    one = terminal()
    one.error(long)
    one.tip(long)
    one.warn(long)
    one.built([long])
    assert capsys.readouterr() == (f"Successfully built {long}\n", f"ERROR {long}\nTIP {long}\nWARNING {long}\n")


@pytest.mark.parametrize(("text", "shown"), [("", ""), (" \n", ""), ("a\nb\n\n", "a\nb\n"), ("a", "a\n")])
def test_captured_output_is_shown_without_empty_lines_at_its_end(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal().output(text)
    assert capsys.readouterr() == ("", shown)


def test_streams_that_were_closed_are_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    one = terminal()
    one.built(NAMES)
    one.error("e")


def test_what_the_stream_cannot_say_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    terminal().data("gr\u00fc\u00dfe")
    assert raw.getvalue() == b"gr\\xfc\\xdfe\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_is_gone_does_not_end_the_build(stream: str) -> None:
    """Nor does Python complain at its exit that it could not flush."""
    code = (
        "from headless_wheel_builder.cli.terminal import Terminal\n"
        "one = Terminal({}, 0)\n"
        "for _ in range(3): one.built(['x']); one.tip('y')\n"
    )
    read, write = os.pipe()
    os.close(read)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: write}
    with subprocess.Popen([sys.executable, "-c", code], stdout=pipes["stdout"], stderr=pipes["stderr"]) as process:
        os.close(write)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert (out or err) in {b"TIP y\n" * 3, b"Successfully built x\n" * 3}


def test_data_that_there_is_no_room_for_is_an_error_but_the_last_line_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        terminal().built(NAMES)
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="No space left on device"):
            terminal().data("{}")

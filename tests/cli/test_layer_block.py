"""Layers on a screen, which is a small terminal that plays, and elsewhere."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

import pytest
from cli.screens import Pty, Screen

from headless_wheel_builder.cli import layer_block
from headless_wheel_builder.cli.layer_block import LayerBlock
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.events import Event, LayerProgress, Noticed, Warned

A, B, C = ("a" * 12, "b" * 12, "c" * 12)
PULLING = LayerProgress(A, "downloading", 12_300_000, 48_100_000)


def show(*events: Event, environ: dict[str, str] | None = None, verbosity: int = 0) -> Terminal:
    terminal = Terminal(environ or {}, verbosity)
    for event in events:
        terminal(event)
    return terminal


def test_each_layer_is_a_line_that_changes_in_place(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty()
    terminal = show(LayerProgress(A, "waiting"), LayerProgress(B, "there"), PULLING)
    assert tty.read() == [
        f"  {A}  downloading  12.3 MB of 48.1 MB",
        f"  {B}  there",
    ]
    terminal(LayerProgress(A, "downloaded", 0, 48_100_000))
    terminal(LayerProgress(C, "retrying"))
    terminal(LayerProgress(A, "extracting", 1_000, 48_100_000))
    assert tty.read() == [f"  {A}  extracting   1.0 kB of 48.1 MB", f"  {B}  there", f"  {C}  retrying"]
    terminal(LayerProgress(A, "pulled", 48_100_000, 48_100_000))
    assert tty.read()[0] == f"  {A}  pulled       48.1 MB"


@pytest.mark.parametrize(
    "other",
    [
        lambda terminal: terminal(Noticed("text")),
        lambda terminal: terminal(Warned("text")),
        lambda terminal: terminal.error("text"),
        lambda terminal: terminal.tip("text"),
        lambda terminal: terminal.output("text"),
    ],
)
def test_what_else_is_written_stands_above_the_layers_and_is_whole(
    open_pty: Callable[..., Pty], other: Callable[[Terminal], None]
) -> None:
    tty = open_pty()
    terminal = show(PULLING, LayerProgress(B, "waiting"))
    assert len(tty.read()) == 2
    other(terminal)
    assert [line.strip()[-4:] for line in tty.read()] == ["text"]
    terminal(LayerProgress(C, "waiting"))
    assert [line.split()[-1] for line in tty.read()[1:]] == ["MB", "waiting", "waiting"]


def test_what_goes_to_stdout_clears_the_layers_too(
    open_pty: Callable[..., Pty], monkeypatch: pytest.MonkeyPatch
) -> None:
    tty = open_pty()
    monkeypatch.setattr(sys, "stdout", tty.stream)
    show(PULLING).data("text")
    assert tty.read() == ["text"]


def test_nothing_of_the_layers_is_left_at_the_end(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty()
    terminal = show(Noticed("Pulling x"), PULLING, LayerProgress(B, "there"), LayerProgress(A, "pulled"))
    terminal(Noticed("Pulled x"))
    terminal(Noticed("More"))
    assert tty.read() == ["  Pulling x", "  Pulled x", "  More"]
    terminal(LayerProgress(C, "waiting"))
    assert tty.read()[3:] == [f"  {C}  waiting"]


def test_ctrl_c_that_the_terminal_echoes_goes_with_the_layers(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty()
    terminal = show(PULLING)
    tty.stream.write("^C")
    tty.stream.flush()
    terminal.error("Interrupted by SIGINT")
    assert tty.read() == ["ERROR Interrupted by SIGINT"]


@pytest.mark.parametrize("columns", [1, 5, 20, 30, 41])
def test_no_line_is_wider_than_the_window(open_pty: Callable[..., Pty], columns: int) -> None:
    tty = open_pty(columns)
    terminal = show(PULLING, LayerProgress(B, "waiting"), LayerProgress(A, "extracting", 1, 48_100_000))
    assert max(map(len, tty.read())) < max(columns, 2)
    assert len(tty.screen.shown) == 2
    terminal.tip("x")
    assert "".join(tty.read()) == "TIP x"


def test_a_window_that_becomes_narrower_while_it_shows_layers_is_cleared_all_the_same(
    open_pty: Callable[..., Pty],
) -> None:
    tty = open_pty(80)
    terminal = show(PULLING)
    line = tty.read()[0]
    tty.resize(20, 24)
    tty.screen = Screen(20)
    tty.screen.write(f"{line}\n")
    assert len(tty.screen.shown) == 3
    terminal(Noticed("text"))
    assert tty.read() == ["  text"]


def test_more_layers_than_lines_leave_out_those_that_are_done(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty(80, 5)
    done = [LayerProgress(f"{number:012}", "pulled", 5, 5) for number in range(3)]
    show(*done, PULLING, LayerProgress(B, "waiting"))
    assert tty.read() == [f"  {0:012}  pulled       5 B", *tty.screen.shown[1:3], "  and 2 more layers"]
    assert [line.split()[1] for line in tty.screen.shown[1:3]] == ["downloading", "waiting"]


def test_a_window_of_one_line_shows_how_many_there_are(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty(80, 1)
    show(PULLING, LayerProgress(B, "waiting"))
    assert tty.read() == ["  and 2 more layers"]


def test_a_window_that_does_not_know_its_size_has_the_usual_one(open_pty: Callable[..., Pty]) -> None:
    tty = open_pty(0, 0)
    tty.screen = Screen(80)
    show(PULLING)
    assert tty.read() == [f"  {A}  downloading  12.3 MB of 48.1 MB"]


def test_numbers_are_not_drawn_more_often_than_anybody_reads_them(
    open_pty: Callable[..., Pty], monkeypatch: pytest.MonkeyPatch
) -> None:
    tty = open_pty()
    now = [100.0]
    monkeypatch.setattr(layer_block.time, "monotonic", lambda: now[0])
    block = LayerBlock(tty.stream)
    for count in range(1000):
        now[0] += 0.001
        block.show(LayerProgress(A, "downloading", count, 1000))
    tty.read()
    assert 9 <= tty.raw.count("downloading") <= 12
    block.show(LayerProgress(A, "downloaded", 0, 1000))
    assert tty.read() == [f"  {A}  downloaded   1.0 kB"]


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {}])
def test_the_lines_have_no_colour(open_pty: Callable[..., Pty], environ: dict[str, str]) -> None:
    tty = open_pty()
    show(PULLING, LayerProgress(B, "there"), environ=environ)
    assert len(tty.read()) == 2
    assert not re.search(r"\x1b\[[\d;]*m", tty.raw)


@pytest.mark.parametrize("kind", ["pipe", "dumb"])
def test_elsewhere_a_layer_is_one_line_at_its_end(
    open_pty: Callable[..., Pty], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    pipe = io.StringIO()
    tty = open_pty() if kind == "dumb" else None
    if tty is None:
        monkeypatch.setattr(sys, "stderr", pipe)
    events = [LayerProgress(A, "downloading", count, 48_100_000) for count in range(100)]
    end = [LayerProgress(A, "pulled", 48_100_000, 48_100_000), LayerProgress(B, "there"), LayerProgress(C, "pulled")]
    show(LayerProgress(A, "waiting"), *events, *end, environ={"TERM": "dumb"} if tty else {})
    said = tty.read() if tty else pipe.getvalue().splitlines()
    assert said == [f"  Pulled layer {A}: 48.1 MB", f"  Layer {B} is there already", f"  Pulled layer {C}"]


@pytest.mark.parametrize("is_screen", [True, False])
@pytest.mark.parametrize(("verbosity", "is_said"), [(1, True), (-1, True), (-2, False)])
def test_who_wants_no_steps_gets_no_layers(
    open_pty: Callable[..., Pty], monkeypatch: pytest.MonkeyPatch, verbosity: int, *, is_screen: bool, is_said: bool
) -> None:
    tty, pipe = open_pty(), io.StringIO()
    if not is_screen:
        monkeypatch.setattr(sys, "stderr", pipe)
    show(PULLING, LayerProgress(A, "pulled"), verbosity=verbosity)
    assert bool(tty.read() or pipe.getvalue()) is is_said


def test_a_closed_stderr_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    show(PULLING, LayerProgress(A, "pulled"))


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 B"), (999, "999 B"), (1000, "1.0 kB"), (48_100_000, "48.1 MB"), (2_210_000_000, "2.2 GB")],
)
def test_sizes_are_those_that_docker_shows(capsys: pytest.CaptureFixture[str], count: int, text: str) -> None:
    show(LayerProgress(A, "pulled", count, count))
    assert capsys.readouterr().err == f"  Pulled layer {A}: {text}\n"

"""Show how the tasks of a run are getting on."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final

from headless_wheel_builder.background import begin
from headless_wheel_builder.cli.block import Block
from headless_wheel_builder.cli.folding import folding
from headless_wheel_builder.cli.summary import detail
from headless_wheel_builder.cli.terminal import STEPS_FROM, Terminal
from headless_wheel_builder.cli.transcript import Transcript
from headless_wheel_builder.errors import HeadlessWheelBuilderError, HookFailedError
from headless_wheel_builder.events import (
    ArtifactBuilding,
    EnvironmentCreating,
    Event,
    LayerProgress,
    Reporter,
    RequirementsAsking,
    RequirementsInstalling,
    Warned,
    WheelRepairing,
)
from headless_wheel_builder.jobs.task import PROBLEMS, Task, TaskResult

PERIOD: Final = 0.2
PHASES: Final[Mapping[type, str]] = {
    EnvironmentCreating: "making the environment",
    RequirementsInstalling: "installing requirements",
    RequirementsAsking: "asking the backend",
    ArtifactBuilding: "building",
    WheelRepairing: "repairing",
    LayerProgress: "pulling the image",
}


class Board:
    """Shows each task's log whole when it has ended, and on a screen what runs in a line that changes in place.

    :param names_projects: whether tasks of more than one project have to be told apart
    """

    def __init__(self, terminal: Terminal, environ: Mapping[str, str], verbosity: int, *, names_projects: bool) -> None:
        self._terminal = terminal
        self._environ = environ
        self._verbosity = verbosity
        self._names_projects = names_projects
        self._folding = folding(environ, terminal)
        self._is_screen = sys.stderr is not None and sys.stderr.isatty() and environ.get("TERM") != "dumb"
        self._block = Block(sys.stderr) if self._is_screen and verbosity >= 0 else None
        self._lock = threading.Lock()
        # Folders of one name are different projects.
        self._lines: dict[tuple[str, str], _Line] = {}

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Keep the lines up to date for the length of a `with` block."""
        ended = threading.Event()
        drawer = threading.Thread(target=self._draw_until, args=(ended,), name="board", daemon=True)
        if self._block is not None:
            with contextlib.suppress(OSError):  # without a thread nothing is drawn
                begin(drawer)
        try:
            yield
        finally:
            ended.set()
            if drawer.ident is not None:
                drawer.join()
            if self._block is not None:
                self._block.clear()

    def started(self, task: Task) -> Reporter:
        """Add a line, and return what notes the task's events."""
        name = self._name(task.project.name, task.identifier)
        line = _Line(name, Transcript(self._environ, self._verbosity, self._terminal.warned))
        with self._lock:
            self._lines[task.project.source, task.identifier] = line
        return line

    def ended(self, result: TaskResult) -> None:
        """Take the line away, and show what there is to be said of the task."""
        name = self._name(result.project.name, result.identifier)
        with self._lock:
            line = self._lines.pop((result.project.source, result.identifier), None)
            if self._block is not None:
                self._block.clear()
            self._show(name, result, line)
        if line is not None:
            line.transcript.close()

    def _show(self, name: str, result: TaskResult, line: _Line | None) -> None:
        title = _title(name, result)
        is_problem = result.error is not None and result.status in PROBLEMS
        is_said = self._verbosity >= STEPS_FROM or is_problem
        is_whole = not self._is_screen or self._verbosity > 0 or result.status == "failed"
        if line is not None and is_whole and is_said:
            self._fold(title, line)
        elif is_said and result.status != "stopped":
            self._terminal.note(title)
        if line is not None and not (is_whole and is_said):
            for warning in line.warnings:
                self._terminal.warn(f"{name}: {warning}")
        # Not in a fold, where it would have to be looked for.
        if result.error is not None and is_problem:
            self._explain(result.error)

    def _fold(self, title: str, line: _Line) -> None:
        self._folding.begin(title)
        line.transcript.show(sys.stderr)
        self._folding.end()

    def _explain(self, error: HeadlessWheelBuilderError) -> None:
        if isinstance(error, HookFailedError) and self._verbosity < 0:
            with self._folding.quoted():
                self._terminal.output(error.log)
        self._terminal.error(error.message, error.cause, error.hint)

    def _draw_until(self, ended: threading.Event) -> None:
        while not ended.wait(PERIOD):
            with self._lock:
                if self._block is not None:
                    self._block.draw(self._drawn(self._block.room))

    def _drawn(self, room: int) -> list[str]:
        width = max((len(line.name) for line in self._lines.values()), default=0)
        lines = [f"  {line.name:<{width}}  {line.age():6.1f} s  {line.phase}" for line in self._lines.values()]
        return lines if len(lines) <= room else [*lines[: room - 1], f"  and {len(lines) - room + 1} more"]

    def _name(self, project: str, identifier: str) -> str:
        return f"{project} {identifier}" if self._names_projects else identifier


class _Line:
    """A task that runs; gets its events."""

    def __init__(self, name: str, transcript: Transcript) -> None:
        self.name = name
        self.transcript = transcript
        self.phase = "beginning"
        self.warnings: list[str] = []
        self._since = time.monotonic()

    def age(self) -> float:
        return time.monotonic() - self._since

    def __call__(self, event: Event, /) -> None:
        self.phase = PHASES.get(type(event), self.phase)
        if isinstance(event, Warned) and event.message not in self.transcript.warned:
            self.warnings.append(event.message)
        self.transcript(event)


def _title(name: str, result: TaskResult) -> str:
    took = f" in {result.seconds:.1f} s" if result.status == "built" else ""
    said = detail(result)
    return f"{name}: {result.status}{took}{f', {said}' if said else ''}"

"""Speak to the user as `python -m build` does: steps and errors to stderr, data to stdout."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TextIO

from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.streams import write
from headless_wheel_builder.errors import OutputError
from headless_wheel_builder.events import (
    ArtifactBuilding,
    CommandOutput,
    CommandStarted,
    EnvironmentCreating,
    Event,
    Explained,
    IsolationChosen,
    LayerProgress,
    MetadataPreparing,
    Noticed,
    RequirementsAsking,
    RequirementsInstalling,
    VersionsInstalled,
    Warned,
    WheelFromSdist,
    WheelRepairing,
)
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.shortage import is_shortage
from headless_wheel_builder.values import value

if TYPE_CHECKING:
    from headless_wheel_builder.cli.layer_block import LayerBlock

DEFAULT_WIDTH: Final = 78
# Below this verbosity (-qq) not even the steps are said.
STEPS_FROM: Final = -1


@value
class Style:
    """The escape sequences of one stream; all empty where colour is off."""

    red: str = "\33[91m"
    green: str = "\33[92m"
    yellow: str = "\33[93m"
    bold: str = "\33[1m"
    dim: str = "\33[2m"
    underline: str = "\33[4m"
    reset: str = "\33[0m"


PLAIN: Final = Style(*[""] * 7)


class Terminal:
    """What the user sees.

    :param environ: says with NO_COLOR and FORCE_COLOR whether to use colour
    :param verbosity: 0, more for each `-v`, less for each `-q`
    """

    _layers: LayerBlock | None = None

    def __init__(self, environ: Mapping[str, str], verbosity: int) -> None:
        self._verbosity = verbosity
        self._environ = environ
        # What is wrong with the machine is wrong for each environment, and each target.
        self.warned: set[str] = set()
        self._out_style = self._style(sys.stdout)
        self._err_style = self._style(sys.stderr)
        columns = shutil.get_terminal_size().columns - 2
        self._width = columns if columns > 0 else DEFAULT_WIDTH
        if "NO_COLOR" in environ and "FORCE_COLOR" in environ:
            self.warn("Both NO_COLOR and FORCE_COLOR environment variables are set, disabling color")

    def __call__(self, event: Event, /) -> None:
        """Show an event, or not, as the verbosity asks."""
        match event:
            case Warned(message):
                if message not in self.warned:
                    self.warned.add(message)
                    self.warn(message)
            case CommandStarted(argv) if self._verbosity > 0:
                import shlex

                self._lines(shlex.join(argv), indent="> ", dim=True)
            case CommandOutput(line) if self._verbosity > 0:
                self._lines(line, indent="< ", dim=True)
            case IsolationChosen(message) if self._verbosity >= STEPS_FROM:
                self._err(f"  {escaping.text(message)}")
            case Noticed(message) if self._verbosity >= STEPS_FROM:
                self._lines(message, indent="  ")
            case LayerProgress() if self._verbosity >= STEPS_FROM:
                self._show_layer(event)
            case Explained(message) if self._verbosity > 0:
                self._lines(message, indent="  ")
            case _ if self._verbosity >= STEPS_FROM and (step := _step(event)):
                self._show_step(step)

    def built(self, names: list[str]) -> None:
        """Say on stdout what was built; others parse this line."""
        if self._verbosity < STEPS_FROM or not names:
            return
        style = self._out_style
        marked = [f"{style.underline}{escaping.line(name)}{style.reset}{style.bold}{style.green}" for name in names]
        shown = f"{', '.join(marked[:-1])} and {marked[-1]}" if len(marked) > 1 else marked[0]
        self._say(sys.stdout, escaping.harmless(f"{style.bold}{style.green}Successfully built {shown}{style.reset}"))

    def data(self, text: str) -> None:
        """Write to stdout; what others wrote is escaped in it, unless it is JSON.

        :raises OutputError: there is no room for it; whoever stopped reading knows that
        """
        failure = self._say(sys.stdout, escaping.harmless(text))
        if failure is not None and is_shortage(failure) and failure.errno != errno.EIO:
            raise OutputError(
                f"What was asked for cannot be written: {failure.strerror}", hint="Let stdout go to another place."
            )

    def warn(self, message: str) -> None:
        """Say what works but should be mended."""
        self._err(f"{self._err_style.yellow}WARNING{self._err_style.reset} {escaping.text(message)}")

    def note(self, line: str) -> None:
        """Say a line that is not wrapped."""
        self._err(escaping.line(line))

    def command(self, lines: str) -> None:
        """Say what is for the service that runs the build; nothing in it may be others'."""
        self._say(sys.stderr, lines)

    def head(self, title: str) -> None:
        """Say what stands out where colour is on."""
        self._err(f"{self._err_style.bold}{escaping.line(title)}{self._err_style.reset}")

    def tip(self, message: str) -> None:
        """Say what may help."""
        self._err(f"{self._err_style.yellow}TIP{self._err_style.reset} {escaping.text(message)}")

    def error(self, message: str, *details: str) -> None:
        """Say what went wrong, and below it, indented, what is known about it."""
        import textwrap

        self._err(f"{self._err_style.red}ERROR{self._err_style.reset} {escaping.text(message)}")
        for detail in filter(None, details):
            self._err(textwrap.indent(escaping.text(detail), "  "))

    def output(self, text: str) -> None:
        """Show what a backend printed, as it is, where it was captured and is needed now."""
        if text.strip():
            self._say(sys.stderr, text.rstrip("\n"))

    def _style(self, stream: TextIO | None) -> Style:
        if "NO_COLOR" in self._environ:
            return PLAIN
        is_coloured = "FORCE_COLOR" in self._environ or (stream is not None and stream.isatty())
        return Style() if is_coloured else PLAIN

    def _show_step(self, step: str) -> None:
        first, _, rest = step.partition("\n")
        shown = self._fill(escaping.line(first), "* ")
        self._err(f"{self._err_style.bold}{shown}{self._err_style.reset}")
        self._lines(rest, indent="  ")

    def _show_layer(self, progress: LayerProgress) -> None:
        from headless_wheel_builder.cli.layer_block import LayerBlock, last_line

        if sys.stderr is not None and sys.stderr.isatty() and self._environ.get("TERM") != "dumb":
            if self._layers is None:
                self._layers = LayerBlock(sys.stderr)
            self._layers.show(progress)
        elif line := last_line(progress):
            self._lines(line, indent="  ")

    def _lines(self, text: str, *, indent: str, dim: bool = False) -> None:
        before, after = (self._err_style.dim, self._err_style.reset) if dim else ("", "")
        for line in text.splitlines():
            self._err(f"{before}{self._fill(escaping.line(line), indent)}{after}")

    def _fill(self, line: str, indent: str) -> str:
        is_plain = line and line.isprintable() and not line.endswith(" ")
        if is_plain and len(indent) + len(line) <= self._width:
            return indent + line  # most lines, which textwrap takes a hundred times as long for
        import textwrap

        return textwrap.fill(line, initial_indent=indent, subsequent_indent="  ", width=self._width)

    def _err(self, text: str) -> None:
        # Here, as wrapping makes beginnings of lines, and as errors that are not ours, and tracebacks, come here too.
        self._say(sys.stderr, escaping.harmless(redacted(text)))

    def _say(self, stream: TextIO | None, text: str) -> OSError | None:
        # Both streams mostly end at the same screen.
        if self._layers is not None:
            self._layers.clear()
        return write(stream, text)


def _step(event: Event) -> str | None:
    match event:
        case EnvironmentCreating(label):
            return f"Creating isolated environment: {label}..."
        case RequirementsInstalling(requirements):
            return _block("Installing packages in isolated environment:", requirements)
        case RequirementsAsking(kind):
            return f"Getting build dependencies for {kind}..."
        case VersionsInstalled(versions):
            installed = (f"{name}=={version}" for name, version in sorted(versions.items()))
            return _block("Installed build dependency versions:", tuple(installed))
        case ArtifactBuilding(kind):
            return f"Building {kind}..."
        case WheelFromSdist(kinds):
            return f"Building {' and '.join(kinds)} from sdist"
        case WheelRepairing():
            return "Repairing wheel..."
        case MetadataPreparing():
            return "Getting metadata for wheel..."
        case _:
            return None


def _block(title: str, items: tuple[str, ...]) -> str:
    return "\n".join((title, *(f"- {escaping.line(item)}" for item in items)))

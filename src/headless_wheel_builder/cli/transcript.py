"""What would be said of one of many tasks, kept until it is its turn to be shown, whole."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Final, TextIO

from headless_wheel_builder.cli.streams import write
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.events import Event, HookOutput, LayerProgress

# Characters kept in memory; longer ones go to a file that has no name.
MEMORY: Final = 256 * 1024


class Transcript(Terminal):
    """Speaks to a file as a terminal does to its streams.

    :param warned: of what was warned in other transcripts, or will be
    """

    def __init__(self, environ: Mapping[str, str], verbosity: int, warned: set[str]) -> None:
        # A shown log is not to be kept after its turn; closed by `close`.
        self._spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115
            MEMORY, mode="w+", encoding="utf-8", errors="backslashreplace"
        )
        # That both are set is said once, by the terminal itself.
        own = {name: text for name, text in environ.items() if name != "FORCE_COLOR" or "NO_COLOR" not in environ}
        super().__init__(own, verbosity)
        self.warned = warned

    def __call__(self, event: Event, /) -> None:
        """Keep what an event says, and what the backend prints."""
        if not isinstance(event, HookOutput):
            super().__call__(event)
        elif self._verbosity >= 0:
            self._spool.write(event.text)

    def show(self, stream: TextIO | None) -> None:
        """Write all of it."""
        if stream is None:
            return
        self._spool.seek(0)
        last = "\n"
        while chunk := self._spool.read(MEMORY):
            write(stream, chunk, end="")
            last = chunk[-1]
        # A backend need not end its last line; what ends a fold has to be at the beginning of one.
        if last != "\n":
            write(stream, "")

    def close(self) -> None:
        """Forget it."""
        self._spool.close()

    def _show_layer(self, progress: LayerProgress) -> None:
        # The screen belongs to the lines of all tasks.
        from headless_wheel_builder.cli.layer_block import last_line

        if line := last_line(progress):
            self._lines(line, indent="  ")

    def _say(self, stream: TextIO | None, text: str) -> None:
        del stream
        self._spool.write(f"{text}\n")

"""Lines at the bottom of a screen that change in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Final, TextIO

from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.streams import write

# Up by so many lines, then erase all that is below.
ERASE: Final = "\r\33[{}A\33[J"


class Block:
    """The lines; whoever else writes to the screen clears them first.

    :param stream: the screen
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: list[str] = []

    @property
    def room(self) -> int:
        """How many lines there is room for."""
        return max(_window(self._stream)[1] - 1, 1)

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines instead of those that are there."""
        columns, _ = _window(self._stream)
        erasing = self._erasing()
        self._drawn = [escaping.line(line)[: max(columns - 1, 1)] for line in lines]
        # At once, so that nobody sees it half drawn.
        write(self._stream, erasing + "".join(f"{line}\n" for line in self._drawn), end="")

    def clear(self) -> None:
        """Take the lines away."""
        if self._drawn:
            write(self._stream, self._erasing(), end="")
            self._drawn = []

    def _erasing(self) -> str:
        # A window that has become narrower has wrapped what is there.
        columns, _ = _window(self._stream)
        count = sum(max(1, -(-len(line) // columns)) for line in self._drawn)
        return ERASE.format(count) if count else ""


def _window(stream: TextIO) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    # Some screens do not know how big they are.
    return (columns, rows) if columns > 0 and rows > 0 else shutil.get_terminal_size()

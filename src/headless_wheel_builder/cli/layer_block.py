"""Show how far the layers of an image are: lines that change in place on a screen, one line for each elsewhere."""

from __future__ import annotations

import os
import shutil
import time
from typing import Final, TextIO

from headless_wheel_builder.cli.streams import write
from headless_wheel_builder.events import LayerProgress

# Seconds between two drawings that differ only in numbers.
PERIOD: Final = 0.1
# Up by so many lines, then erase all that is below.
ERASE: Final = "\r\33[{}A\33[J"
ENDED: Final = ("pulled", "there")
DIGITS: Final = 12
WIDEST_STATUS: Final = len("downloading")
THOUSAND: Final = 1000


class LayerBlock:
    """The lines of the layers at the bottom of a screen.

    Whoever else writes there clears them first; they come back with the next progress.

    :param stream: the screen
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._layers: dict[str, LayerProgress] = {}
        self._drawn: list[str] = []
        self._time = 0.0

    def show(self, progress: LayerProgress) -> None:
        """Show the progress of a layer beside that of the others."""
        before = self._layers.get(progress.layer)
        self._layers[progress.layer] = progress
        now = time.monotonic()
        if before is None or before.status != progress.status or now - self._time >= PERIOD:
            self._time = now
            self._draw()

    def clear(self) -> None:
        """Take the lines away, and forget the layers that have come to their end."""
        self._layers = {name: one for name, one in self._layers.items() if one.status not in ENDED}
        if self._drawn:
            write(self._stream, self._erasing(), end="")
            self._drawn = []

    def _draw(self) -> None:
        columns, rows = _window(self._stream)
        erasing = self._erasing()
        self._drawn = [line[: max(columns - 1, 1)] for line in _fitting(list(self._layers.values()), max(rows - 1, 1))]
        # At once, so that nobody sees it half drawn.
        write(self._stream, erasing + "".join(f"{line}\n" for line in self._drawn), end="")

    def _erasing(self) -> str:
        # A window that has become narrower has wrapped what is there.
        columns, _ = _window(self._stream)
        count = sum(max(1, -(-len(line) // columns)) for line in self._drawn)
        return ERASE.format(count) if count else ""


def last_line(progress: LayerProgress) -> str:
    """Return what is said of a layer where lines stay: once, at its end; empty before."""
    if progress.status == "there":
        return f"Layer {progress.layer[:DIGITS]} is there already"
    if progress.status != "pulled":
        return ""
    size = f": {_size(progress.total)}" if progress.total else ""
    return f"Pulled layer {progress.layer[:DIGITS]}{size}"


def _window(stream: TextIO) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    # Some screens do not know how big they are.
    return (columns, rows) if columns > 0 and rows > 0 else shutil.get_terminal_size()


def _fitting(layers: list[LayerProgress], most: int) -> list[str]:
    """Return the lines of as many layers as there is room for; those that have come to their end make room first."""
    if len(layers) <= most:
        return [_line(one) for one in layers]
    room = max(most - 1, 0)
    shown = sorted(range(len(layers)), key=lambda index: (layers[index].status in ENDED, index))[:room]
    lines = [_line(layers[index]) for index in sorted(shown)]
    return [*lines, f"  and {len(layers) - len(lines)} more layers"]


def _line(layer: LayerProgress) -> str:
    total = f"{_size(layer.total)}" if layer.total else ""
    is_moving = layer.status in {"downloading", "extracting"}
    size = f"{_size(layer.current)} of {total}" if is_moving and total else total
    return f"  {layer.layer[:DIGITS]}  {layer.status:<{WIDEST_STATUS}}  {size}".rstrip()


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < THOUSAND:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= THOUSAND
    return f"{count:.1f} GB"

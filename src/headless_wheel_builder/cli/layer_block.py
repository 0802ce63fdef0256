"""Show how far the layers of an image are: lines that change in place on a screen, one line for each elsewhere."""

from __future__ import annotations

import time
from typing import Final, TextIO

from headless_wheel_builder.cli.block import Block
from headless_wheel_builder.events import LayerProgress

# Seconds between two drawings that differ only in numbers.
PERIOD: Final = 0.1
ENDED: Final = ("pulled", "there")
DIGITS: Final = 12
WIDEST_STATUS: Final = len("downloading")
THOUSAND: Final = 1000


class LayerBlock:
    """The lines of the layers; they come back with the next progress after they were cleared.

    :param stream: the screen
    """

    def __init__(self, stream: TextIO) -> None:
        self._block = Block(stream)
        self._layers: dict[str, LayerProgress] = {}
        self._time = 0.0

    def show(self, progress: LayerProgress) -> None:
        """Show the progress of a layer beside that of the others."""
        before = self._layers.get(progress.layer)
        self._layers[progress.layer] = progress
        now = time.monotonic()
        if before is None or before.status != progress.status or now - self._time >= PERIOD:
            self._time = now
            self._block.draw(_fitting(list(self._layers.values()), self._block.room))

    def clear(self) -> None:
        """Take the lines away, and forget the layers that have come to their end."""
        self._layers = {name: one for name, one in self._layers.items() if one.status not in ENDED}
        self._block.clear()


def last_line(progress: LayerProgress) -> str:
    """Return what is said of a layer where lines stay: once, at its end; empty before."""
    if progress.status == "there":
        return f"Layer {progress.layer[:DIGITS]} is there already"
    if progress.status != "pulled":
        return ""
    size = f": {_size(progress.total)}" if progress.total else ""
    return f"Pulled layer {progress.layer[:DIGITS]}{size}"


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

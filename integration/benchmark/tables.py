"""Tables, as Markdown that is also easy to read as it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with a title and a note.

    :param texts: how many columns, from the left, hold text; the others hold numbers
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    texts: int = 2
    note: str = ""

    def markdown(self) -> str:
        """Return it as Markdown, its columns aligned."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [self._line(row, widths) for row in (self.columns, *self.rows)]
        lines.insert(1, "|".join(["", *(self._rule(at, width) for at, width in enumerate(widths)), ""]))
        return "\n".join([f"### {self.title}", "", *([self.note, ""] if self.note else []), *lines, ""])

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = [
            f" {cell:<{width}} " if at < self.texts else f" {cell:>{width}} "
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "|".join(["", *cells, ""])

    def _rule(self, at: int, width: int) -> str:
        return "-" * (width + 2) if at < self.texts else "-" * (width + 1) + ":"

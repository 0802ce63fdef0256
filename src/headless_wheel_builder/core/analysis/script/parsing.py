"""Python source as a syntax tree, whatever it says."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from typing import Final

from headless_wheel_builder.core.analysis.tree import SourceTree

SIZE_LIMIT: Final = 500_000
TOTAL_LIMIT: Final = 1_000_000
# The filters of warnings are of the process, and two threads would leave each other's behind.
_FILTERS: Final = threading.Lock()


def parse(content: bytes | str) -> ast.Module | None:
    """Parse a module; None if it is none, or more than anybody writes."""
    if len(content) > SIZE_LIMIT:
        return None
    with _FILTERS, warnings.catch_warnings():
        # Of wrong escapes in strings, which are not ours.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content)
        except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
            return None


class Code:
    """The files of a tree as syntax trees, each parsed once."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._parsed: dict[str, ast.Module | None] = {}
        self._left = TOTAL_LIMIT

    def mentions(self, words: re.Pattern[bytes]) -> set[str]:
        """Return the files, of those that were parsed, that have one of the words."""
        return {name for name in self._parsed if words.search(self.tree.read(name) or b"")}

    def parsed(self, name: str) -> ast.Module | None:
        """Return a file as a syntax tree; None if there is none, or it is no Python."""
        if name not in self._parsed:
            content = self.tree.read(name) or b""
            self._left -= len(content)
            self._parsed[name] = parse(content) if self._left > 0 else None
        return self._parsed[name]

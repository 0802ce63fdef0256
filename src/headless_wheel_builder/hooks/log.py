"""Keep what a backend prints, in bounded memory."""

from __future__ import annotations

from collections import deque
from typing import Final

# A backend may print without end; what matters stands at the start (its settings) and at the end (its failure).
HEAD_BYTES: Final = 256 * 1024
TAIL_BYTES: Final = 1024 * 1024


class Log:
    """The first and the last part of everything written to it, with a line that says what was left out between."""

    def __init__(self, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        self._head = bytearray()
        self._head_size = head
        self._tail: deque[bytes] = deque()
        self._tail_size = tail
        self._kept = 0
        self._dropped = 0

    def write(self, chunk: bytes) -> None:
        """Add a piece of output."""
        room = self._head_size - len(self._head)
        self._head += chunk[:room]
        if rest := chunk[room:]:
            self._tail.append(rest)
            self._kept += len(rest)
            while self._kept - len(self._tail[0]) >= self._tail_size:
                dropped = len(self._tail.popleft())
                self._kept -= dropped
                self._dropped += dropped

    def text(self) -> str:
        """Return what was kept; what is not UTF-8 is replaced by U+FFFD."""
        gap = f"\n[... {self._dropped} bytes left out ...]\n".encode() if self._dropped else b""
        return b"".join((self._head, gap, *self._tail)).decode("utf-8", "replace")

"""Read what a process prints, while somebody waits for its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import IO, Final

from headless_wheel_builder.background import begin

PIPE_SIZE: Final = 65536
# A daemon that left the process group can hold our pipe open for ever.
DRAIN_SECONDS: Final = 1.0


class Pump:
    """Hands on what a process prints, on a thread of its own.

    :param on_output: gets each piece
    :param on_error: called when that raised something, or nothing can be read
    """

    def __init__(self, stream: IO[bytes], on_output: Callable[[bytes], None], on_error: Callable[[], None]) -> None:
        self._descriptor = os.dup(stream.fileno())
        self._on_output = on_output
        self._on_error = on_error
        self._error: BaseException | None = None
        self._pieces = 0
        self._is_reading = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        try:
            begin(self._thread)
        except OSError:
            os.close(self._descriptor)
            raise

    def drain(self) -> None:
        """Wait until all that was printed is handed on; raise what the receiver raised."""
        seen = -1
        # A receiver may be slow. But when nothing has come for a while, a daemon holds the other end, perhaps for ever.
        while self._thread.is_alive() and not (self._is_reading and seen == self._pieces):
            seen = self._pieces
            self._thread.join(DRAIN_SECONDS)
        self._abandoned = True
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            while chunk := self._next():
                self._on_output(chunk)
        except BaseException as error:  # noqa: BLE001 - raised again by drain(), on the building thread
            self._error = error
            self._on_error()
        finally:
            os.close(self._descriptor)

    def _next(self) -> bytes:
        self._is_reading = True
        chunk = os.read(self._descriptor, PIPE_SIZE)
        self._is_reading = False
        self._pieces += 1
        return b"" if self._abandoned else chunk

"""Work that goes on beside the build, on a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Work from its start on; its result or error comes to whoever asks for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._outcome: Callable[[], T]
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """Wait for the end, and return what the work returned or raise what it raised."""
        self.wait()
        return self._outcome()

    def wait(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._error = error
            self._outcome = self._raise
        else:
            self._outcome = lambda: result

    def _raise(self) -> T:
        raise self._error

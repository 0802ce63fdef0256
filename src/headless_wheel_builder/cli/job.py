"""The build, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from headless_wheel_builder.process import Processes

T = TypeVar("T")


class Job(threading.Thread, Generic[T]):
    """Work that has started.

    :param at_end: called on the thread when there is a result or an error
    """

    def __init__(self, work: Callable[[Processes], T], processes: Processes, at_end: Callable[[], None]) -> None:
        super().__init__(name="build")
        self._work = work
        self._processes = processes
        self._at_end = at_end
        self._outcome: Callable[[], T]
        self.start()

    def run(self) -> None:
        """Do the work."""
        try:
            result = self._work(self._processes)
            self._outcome = lambda: result
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._error = error
            self._outcome = self._raise
        self._at_end()

    def result(self) -> T:
        """Return what the work returned, or raise what it raised, when it has ended."""
        return self._outcome()

    def _raise(self) -> T:
        raise self._error

"""Ctrl-C, SIGTERM and SIGHUP: end what runs, clean up, exit."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final, Generic, TypeVar

from headless_wheel_builder.process import Cancelled, Processes

T = TypeVar("T")

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(Exception):  # noqa: N818 - it is no error of the build
    """A signal ended the build."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.name = signal.Signals(number).name
        # What a shell says of a program that a signal ended.
        self.exit_code = 128 + number


class Interruption:
    """Receives the signals, from its creation on.

    The build runs on another thread, so that no signal can break into its cleaning up.
    """

    def __init__(self) -> None:
        # The one way to hand something on that a signal handler may use wherever it interrupts.
        self._inbox: SimpleQueue[int | None] = SimpleQueue()
        self._is_building = False
        for number in SIGNALS:
            # Ignored signals stay ignored: nohup and background jobs of a script rely on it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)

    def run(self, work: Callable[[Processes], T]) -> T:
        """Run `work` to its end, which a signal brings about early.

        :raises Interrupted: a signal ended it
        """
        processes = Processes()
        self._is_building = True
        job = _Job(work, processes, at_end=lambda: self._inbox.put(None))
        received = [*self._until_end(processes)]
        self._is_building = False
        try:
            return job.result()
        except Cancelled:
            raise Interrupted(received[0]) from None

    def _until_end(self, processes: Processes) -> Iterator[int]:
        while (number := self._next()) is not None:
            processes.cancel()
            yield number

    def _next(self) -> int | None:
        # On Windows a thread that waits for ever does not hear of Ctrl-C.
        while os.name == "nt":
            with contextlib.suppress(Empty):
                return self._inbox.get(timeout=0.2)
        return self._inbox.get()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._is_building:
            self._inbox.put(number)
            return
        # Nothing was started yet, or all is done: there is nothing to clean up.
        interrupted = Interrupted(number)
        os.write(2, f"\nERROR Interrupted by {interrupted.name}\n".encode())
        os._exit(interrupted.exit_code)


class _Job(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[Processes], T], processes: Processes, at_end: Callable[[], None]) -> None:
        super().__init__(name="build")
        self._work = work
        self._processes = processes
        self._at_end = at_end
        self._outcome: Callable[[], T]
        self.start()

    def run(self) -> None:
        try:
            result = self._work(self._processes)
            self._outcome = lambda: result
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            self._error = error
            self._outcome = self._raise
        self._at_end()

    def result(self) -> T:
        return self._outcome()

    def _raise(self) -> T:
        raise self._error

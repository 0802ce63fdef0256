"""Ctrl-C, SIGTERM and SIGHUP: end what runs, clean up, exit."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
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
        self._processes: Processes | None = None
        self._received: int | None = None
        for number in SIGNALS:
            # Ignored signals stay ignored: nohup and background jobs of a script rely on it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)

    def run(self, work: Callable[[Processes], T]) -> T:
        """Run `work` to its end, which a signal brings about early.

        :raises Interrupted: a signal ended it
        """
        self._processes = Processes()
        job = _Job(work, self._processes)
        try:
            # Not join(): on Windows it keeps Ctrl-C waiting.
            while job.is_alive():
                job.join(0.2 if os.name == "nt" else None)
        finally:
            self._processes = None
        try:
            return job.result()
        except Cancelled:
            raise Interrupted(self._received or signal.SIGINT) from None

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received = self._received or number
        if self._processes is not None:
            self._processes.cancel()
            return
        # Nothing was started yet, or all is done: there is nothing to clean up.
        interrupted = Interrupted(number)
        os.write(2, f"\nERROR Interrupted by {interrupted.name}\n".encode())
        os._exit(interrupted.exit_code)


class _Job(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[Processes], T], processes: Processes) -> None:
        super().__init__(name="build")
        self._work = work
        self._processes = processes
        self._outcome: Callable[[], T]
        self.start()

    def run(self) -> None:
        try:
            result = self._work(self._processes)
            self._outcome = lambda: result
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            self._error = error
            self._outcome = self._raise

    def result(self) -> T:
        return self._outcome()

    def _raise(self) -> T:
        raise self._error

"""Work that goes on beside the build, on a thread."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from headless_wheel_builder.process import Processes

T = TypeVar("T")


def begin(thread: threading.Thread) -> None:
    """Start a thread.

    :raises BlockingIOError: the system has no more of them
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise BlockingIOError(errno.EAGAIN, "No thread can be started") from error


def awaited(work: Callable[[], T], processes: Processes) -> T:
    """Return what work without effects returns, on a thread that is left alone when the build is cancelled meanwhile.

    :raises Cancelled: it was
    """
    is_over = threading.Event()
    asked = Background(work, at_end=is_over.set)
    with processes.on_cancel(is_over.set):
        asked.start()
        is_over.wait()
    processes.checkpoint()
    return asked.result()


class Background(Generic[T]):
    """Work from its start on; its result or error comes to whoever asks for it.

    :param at_end: called on the thread when there is a result or an error
    """

    def __init__(self, work: Callable[[], T], *, at_end: Callable[[], None] | None = None) -> None:
        self._work = work
        self._at_end = at_end
        self._outcome: Callable[[], T]
        self.has_ended = False
        self.is_started = False
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> Background[T]:
        """Begin, unless it has begun, and return itself.

        :raises BlockingIOError: the system has no more threads
        """
        if not self.is_started:
            # Before: what is done on the thread may ask for the result.
            self.is_started = True
            try:
                begin(self._thread)
            except OSError:
                self.is_started = False
                raise
        return self

    def result(self) -> T:
        """Begin if need be, wait for the end, and return what the work returned or raise what it raised."""
        self.start().wait()
        return self._outcome()

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end of what has begun; from its own thread, there is nothing to wait for.

        :param timeout: seconds after which it goes on
        """
        if self.is_started and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            self._error = error
            self._outcome = self._raise
        else:
            self._outcome = lambda: result
        self.has_ended = True
        if self._at_end is not None:
            self._at_end()

    def _raise(self) -> T:
        raise self._error

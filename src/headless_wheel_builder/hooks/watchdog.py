"""End hooks that take too long, or that print nothing for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from headless_wheel_builder.background import begin
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.process import OnOutput, Stop
from headless_wheel_builder.values import named_value, value

# For a hook to show where it is, and to end by that.
DUMP_SECONDS: Final = 5.0


@named_value
class Patience:
    """How long hooks may take; None for as long as they want.

    :param timeout: seconds for all that one hook does
    :param silence: seconds in which it prints nothing
    """

    timeout: float | None = None
    silence: float | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """What an interpreter gets that is to print at once, and to show where it is when its silence ends it."""
        return () if self.silence is None else ("-u", "-X", "faulthandler")

    def check(self) -> None:
        """Check the numbers.

        :raises RequestError: one is none
        """
        check_seconds(self.timeout, "for a hook")
        check_seconds(self.silence, "for a hook to print nothing")


def check_seconds(number: float | None, what: str) -> None:
    """Check a number of seconds.

    :raises RequestError: it is none, or more than anything can wait
    """
    if number is not None and not 0 < number <= threading.TIMEOUT_MAX:
        raise RequestError(f"{number:g} is no number of seconds {what}", hint="Write for example 600.")


@value
class Overdue:
    """What a hook took too long for, what to do, and how it is ended first."""

    cause: str
    hint: str
    how: Stop


class Watchdog:
    """Watches one hook for the length of a `with` block.

    :param end: ends the hook; a silent one is asked for a dump of where it is first
    """

    def __init__(self, patience: Patience, end: Callable[[Stop], None]) -> None:
        self.overdue: Overdue | None = None
        self._patience = patience
        self._end = end
        self._is_over = threading.Event()
        self._began = self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:  # noqa: PYI034 - typing.Self came with 3.11
        if self._patience != Patience():
            begin(self._thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        # So that it does not end what comes next.
        if self._thread.ident is not None:
            self._thread.join()

    def hearing(self, on_output: OnOutput) -> OnOutput:
        """Return a receiver of what the hook prints that has it noticed here, too."""

        def heard(piece: bytes) -> None:
            self._heard = time.monotonic()
            on_output(piece)

        return heard

    def check(self, returncode: int) -> None:
        """Say that the hook took too long, if it did.

        :raises EndedError: that is why it ended
        """
        if self.overdue is not None:
            raise EndedError(returncode, self.overdue.cause, self.overdue.hint)

    def _watch(self) -> None:
        while True:
            moment, overdue = min(self.deadlines(), key=lambda one: one[0])
            left = moment - time.monotonic()
            if left <= 0:
                break
            if self._is_over.wait(left):
                return
        self.overdue = overdue
        if overdue.how != "kill":
            self._end(overdue.how)
            if self._is_over.wait(DUMP_SECONDS):
                return
        self._end("kill")

    def deadlines(self) -> Iterator[tuple[float, Overdue]]:
        """Yield until when the hook may take, and what is said of it after that."""
        timeout, silence = self._patience.timeout, self._patience.silence
        if timeout is not None:
            cause = f"It took longer than {timeout:g} seconds."
            yield self._began + timeout, Overdue(cause, "Give it more with --hook-timeout.", "kill")
        if silence is not None:
            cause = f"It printed nothing for {silence:g} seconds, and was ended. Where it was is in its output above."
            hint = "Give it more with --hook-silence, or have the backend print more (-C, or a variable of its own)."
            yield self._heard + silence, Overdue(cause, hint, "dump")

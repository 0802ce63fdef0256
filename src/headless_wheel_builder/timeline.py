"""The timeline of a build: what happened when."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

# What a build does itself, one thing after the other.
MAIN: Final = "build"


# Every build imports this, and a dataclass takes many times as long to make.
class Span(NamedTuple):
    """One phase of a build; `start` and `end` are in seconds since the build began.

    Spans of one `lane` follow or contain each other; what runs beside them is in another lane. `failed` says that the
    phase was ended by an error.
    """

    name: str
    start: float
    end: float
    lane: str = MAIN
    failed: bool = False

    @property
    def duration(self) -> float:
        """How long it took, in seconds."""
        return self.end - self.start


class Timeline:
    """Records spans from its creation on, which is when the build begins. Any thread may record.

    :param clock: gives seconds, from any moment on
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        # Threads only ever append to it or copy it, and either is one step.
        self._spans: list[Span] = []

    def now(self) -> float:
        """Return the seconds since the build began."""
        return self._clock() - self._began

    @contextlib.contextmanager
    def span(self, name: str, lane: str = MAIN) -> Iterator[None]:
        """Record how long a `with` block takes, also when it fails."""
        start = self.now()
        failed = True
        try:
            yield
            failed = False
        finally:
            self._spans.append(Span(name, start, self.now(), lane, failed))

    def spans(self) -> tuple[Span, ...]:
        """Return the spans that have ended, in order of start; one that contains another comes first."""
        return tuple(sorted(self._spans.copy(), key=lambda span: (span.start, -span.end)))

    def durations(self) -> dict[str, float]:
        """Return the seconds that the build spent on each name, in the order of their first start."""
        sums: dict[str, float] = {}
        for span in self.spans():
            if span.lane != MAIN:
                continue
            sums[span.name] = sums.get(span.name, 0.0) + span.duration
        return sums

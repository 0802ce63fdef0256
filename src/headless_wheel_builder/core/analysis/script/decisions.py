"""Where the way through setup.py turns on something from outside of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from headless_wheel_builder.core.analysis.script.values import Source
from headless_wheel_builder.values import value

DEPTH_LIMIT: Final = 40


class TooMuchError(Exception):
    """There is more to follow than there is time for."""


@value
class Decision:
    """A place, and what it depends on."""

    key: Hashable
    source: Source
    what: str
    place: str
    line: int
    is_taken: bool


class Way:
    """One way through setup.py.

    :param turned: the decisions that are taken the other way
    """

    def __init__(self, turned: Iterable[Decision], steps: int) -> None:
        self.decisions: dict[Hashable, Decision] = {}
        self.steps = steps
        self._turned = {decision.key for decision in turned}

    def decide(self, decision: Decision) -> bool:
        """Say which way to go."""
        self.decisions.setdefault(decision.key, decision)
        return decision.is_taken != (decision.key in self._turned)

    def step(self) -> None:
        """Count a step."""
        self.steps -= 1
        if self.steps < 0:
            raise TooMuchError

"""Medians, how far values spread, and how sure a ratio is."""

from __future__ import annotations

import dataclasses
import random
import statistics
from collections.abc import Sequence

RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Spread:
    """The quartiles of some values."""

    low: float
    median: float
    high: float


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A ratio of medians with its 95 % interval."""

    value: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the quartiles."""
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def ratio(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Ratio:
    """Divide the medians, and those of resampled rounds; values at the same place are of the same round.

    Rounds are resampled, not values, since what disturbs a round disturbs all of its runs.
    """
    rounds = range(min(len(ours), len(theirs)))
    choices = random.Random(seed)
    drawn = (choices.choices(rounds, k=len(rounds)) for _ in range(RESAMPLES))
    ratios = [quotient([ours[at] for at in draw], [theirs[at] for at in draw]) for draw in drawn]
    low, high = statistics.quantiles(ratios, n=40)[::38]
    return Ratio(quotient(ours, theirs), low, high)


def quotient(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Divide the medians."""
    return statistics.median(ours) / statistics.median(theirs)

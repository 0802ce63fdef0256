"""The options of the soak."""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Options:
    """How long to go on, and with what.

    :param cases: how many builds are ended; None for as many as there is time for
    :param engine: the container engine; None if containers are left out
    """

    minutes: float
    cases: int | None
    seed: int
    engine: str | None


def parse(argv: Sequence[str] | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python integration/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long to begin with new builds")
    parser.add_argument("--cases", type=int, help="how many builds to end")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="the same builds and moments again"
    )
    given = parser.parse_args(argv)
    if given.minutes is None:
        given.minutes = 10.0 if given.cases is None else float("inf")
    return Options(**vars(given), engine=os.environ.get("HWB_TEST_ENGINE"))

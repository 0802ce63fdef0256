"""The options of the soak."""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
from collections.abc import Sequence
from typing import Final

# How many cases of each part a short run has, and a long one; of `peers`, how many for each command line.
LENGTHS: Final = {
    "interruptions": (9, 1000),
    "peers": (1, 60),
    "builds": (20, 500),
    "engine": (24, 240),
    "inputs": (2000, 100_000),
    "sdists": (12, 1000),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to run, and with what.

    :param parts: which parts, by their names
    :param cases: how many cases each part has
    :param engine: the container engine; None if containers are left out
    """

    parts: tuple[str, ...]
    cases: dict[str, int]
    seed: int
    engine: str | None


def parse(argv: Sequence[str] | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python integration/soak", description="Try what goes wrong, many times.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"what to try: {', '.join(LENGTHS)}; all by default")
    parser.add_argument("--long", action="store_true", help="as many cases as docs/reliability.md tells of")
    parser.add_argument("--cases", type=int, help="how many cases of each part")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="the same cases again")
    given = parser.parse_args(argv)
    for name in set(given.parts) - set(LENGTHS):
        parser.error(f"there is no part {name}")
    cases = {name: given.cases or lengths[given.long] for name, lengths in LENGTHS.items()}
    return Options(tuple(given.parts or LENGTHS), cases, given.seed, os.environ.get("HWB_TEST_ENGINE"))

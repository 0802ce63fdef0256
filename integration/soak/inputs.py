"""Hostile inputs of all kinds, each met in a process with limits."""

from __future__ import annotations

import itertools
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hostile.everything import EVERYTHING
from integration.soak.arguments import Options
from integration.soak.batches import Batch, Met, survived
from integration.soak.meetings import refusals, summary
from integration.soak.part import Part, Result
from integration.soak.ways import WAYS

# Which part of them comes in which way. Changing bytes takes a fraction of the time that it takes to make an input.
SHARES = {"hypothesis": 1, "atheris": 4}
# Fewer of one kind are not worth the seconds that it takes to begin.
LEAST = {"hypothesis": 1, "atheris": 400}
# Those that are made by rules are remembered by whoever makes them, so that none comes twice.
MOST_AT_ONCE = {"hypothesis": 1000}


def run(options: Options, folder: Path) -> Result:
    """Meet as many inputs as asked for."""
    kept = Path(tempfile.gettempdir(), f"hwb-soak-inputs-{options.seed}")
    met: list[Met] = []
    # They wait for files as well.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        for batch in pool.map(lambda one: list(survived(one, folder, kept)), batches(options)):
            met += batch
            for one in (one for one in batch if one.trouble):
                print(f"{one.batch}: {one.trouble}\n{one.text}", file=sys.stderr, flush=True)
    return Result(
        tried=len(met),
        survived=sum(not one.trouble for one in met),
        residue=sum(one.trouble == "outside" for one in met),
        peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        longest=max((one.seconds for one in met), default=0.0),
        tables=(summary(met), refusals(met)),
    )


def batches(options: Options) -> Iterator[Batch]:
    """Share the inputs out among all ways and kinds; the longest batches are first."""
    seed = itertools.count(options.seed * 1000 + 1)
    whole = sum(SHARES[way] for way in WAYS)
    for way in sorted(WAYS, key=SHARES.__getitem__, reverse=True):
        count = options.cases[INPUTS.name] * SHARES[way] // whole
        kinds = _kinds(options.seed, max(count // LEAST[way], 1))
        for number, kind in enumerate(kinds):
            left = count * (number + 1) // len(kinds) - count * number // len(kinds)
            while left:
                at_once = min(left, MOST_AT_ONCE.get(way, left))
                yield Batch(kind, way, at_once, next(seed))
                left -= at_once


def _kinds(seed: int, most: int) -> list[str]:
    # With another seed, those that are left out are others.
    kinds = list(EVERYTHING)
    start = seed % len(kinds)
    return [*kinds[start:], *kinds[:start]][:most]


INPUTS = Part("inputs", run)

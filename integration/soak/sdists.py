"""Hostile source distributions, given to our command line and to those of others."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from integration.benchmark.tables import Table
from integration.soak.arguments import Options
from integration.soak.frontlines import DEADLINE, FRONTENDS, Encounter, Ground
from integration.soak.part import Part, Result
from integration.soak.tricks import TRICKS, write

FIRST_BIG = "gigabytes after the end"
# Below these nobody needs to know.
MUCH, MANY, KILOBYTES, LONG = 100 * 10**6, 10_000, 500_000, 60.0


def run(options: Options, folder: Path) -> Result:
    """Give each of as many as asked for to all; a short run has only ours, and some of them."""
    everything = list(_encounters(options, Ground(folder)))
    ours = [one for one in everything if one.frontend.startswith("ours")]
    return Result(
        tried=len(ours),
        survived=sum(one.is_clean for one in ours),
        residue=sum(one.left + len(one.outside) for one in ours),
        peak=max(one.used.memory for one in ours) / 1024,
        longest=max(one.seconds for one in ours),
        tables=tuple(_tables(everything)),
    )


def _encounters(options: Options, ground: Ground) -> Iterator[Encounter]:
    wanted = options.cases[SDISTS.name]
    frontends = list(FRONTENDS) if wanted >= len(TRICKS) else ["ours"]
    for trick in chosen(wanted, options.seed):
        write(trick, ground.archive, ground.outside)
        for frontend in frontends:
            one = ground.meet(trick, frontend)
            if not one.is_clean:
                print(_complaint(one), file=sys.stderr, flush=True)
            yield one


def chosen(wanted: int, seed: int) -> list[str]:
    """Return the honest one and others, with another seed other ones; first those that cost no gigabytes."""
    first, *others = TRICKS
    cheap, rest = others[: others.index(FIRST_BIG)], others[others.index(FIRST_BIG) :]
    start = seed % len(cheap)
    return [first, *cheap[start:], *cheap[:start], *rest][:wanted]


def _tables(met: Sequence[Encounter]) -> Iterator[Table]:
    frontends = list(dict.fromkeys(one.frontend for one in met))
    rows = {trick: [one for one in met if one.trick == trick] for trick in dict.fromkeys(one.trick for one in met)}
    columns = ("source distribution", *frontends)
    outcomes = [(trick, *map(_outcome, of_one)) for trick, of_one in rows.items()]
    yield Table("Hostile source distributions", columns, outcomes, texts=len(columns), note=_versions())
    used = [(trick, *map(_used, of_one)) for trick, of_one in rows.items() if any(map(_uses_much, of_one))]
    if used:
        yield Table("What they use up: disk, inodes, memory, time", columns, used, texts=len(columns))


def _complaint(one: Encounter) -> str:
    lines = [f"{one.frontend}, {one.trick}: {_outcome(one)}", *(f"  outside: {path}" for path in one.outside)]
    return "\n".join([*lines, *(f"  | {line}" for line in one.output.splitlines()[-12:])])


def _versions() -> str:
    others = [f"{name} {version(name)}" for name in ("build", "pip", "uv")]
    python = platform.python_version()
    return f"With {', '.join(others)}, all on Python {python}. Whoever takes {DEADLINE:.0f} s is ended, and hangs."


def _outcome(one: Encounter) -> str:
    more = [f"{len(one.outside)} outside"] * bool(one.outside) + [f"{one.left} left"] * bool(one.left)
    return ", ".join([one.outcome, *more])


def _uses_much(one: Encounter) -> bool:
    return one.used.size > MUCH or one.used.inodes > MANY or one.used.memory > KILOBYTES or one.seconds > LONG


def _used(one: Encounter) -> str:
    used = one.used
    return f"{used.size / 10**6:,.0f} MB, {used.inodes:,}, {used.memory / 1024:.0f} MiB, {one.seconds:.0f} s"


SDISTS = Part("sdists", run)

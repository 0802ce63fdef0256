"""The same ends of the same builds with other frontends, beside ours. What they leave is told, and is no failure."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from integration.benchmark.tables import Table
from integration.soak.arguments import Options
from integration.soak.builds import Build
from integration.soak.endings import ENDINGS, Ending
from integration.soak.flaw import Flaw, Kind, Outcome
from integration.soak.frontend import FRONTENDS, OURS, Frontend
from integration.soak.interruptions import MOST_OF_ITS_LENGTH
from integration.soak.part import Part, Result
from integration.soak.tally import tell
from integration.soak.trial import Trial

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "second Ctrl-C", "closed terminal", "closed output")
# What others have as well: no host, no coroutine.
COMMON = tuple(ending for ending in ENDINGS if ending.name in NAMES)
COUNTED: Sequence[tuple[str, Kind]] = (
    ("went on", "process"),
    ("daemons", "daemon"),
    ("folders", "folder"),
    ("broken artifacts", "artifact"),
    ("sdist without wheel", "partial"),
    ("hangs", "hang"),
    ("0 though incomplete", "exit code"),
)
COLUMNS = (
    *("frontend", "cases", "complete before", "clean", "clean but for daemons"),
    *(title for title, _ in COUNTED),
    *("folders after the next build", "longest"),
)
NOTE = (
    "In how many cases a process of a hook or an installer went on, children and daemons of a backend did, a temporary "
    "folder was left, and so on. `python -m build` and `uv build` promise nothing of daemons, which they leave after "
    "any build, nor that an sdist is published with its wheel only."
)


def run(options: Options, folder: Path) -> Result:
    """End as many builds of each frontend as asked for."""
    found = {frontend: list(_outcomes(frontend, options, folder)) for frontend in FRONTENDS}
    ours = found[OURS]
    return Result(
        tried=len(ours),
        survived=sum(not one.residue for one in ours),
        residue=sum(len(one.residue) for one in ours),
        peak=None,
        longest=max(one.seconds for one in ours),
        tables=(Table("Beside others", COLUMNS, [_row(one.name, found[one]) for one in FRONTENDS], 1, NOTE),),
    )


def _outcomes(frontend: Frontend, options: Options, folder: Path) -> Iterator[Outcome]:
    places: dict[str, tuple[Trial, float]] = {}
    for number in range(options.cases[PEERS.name]):
        # The same for all.
        chance = random.Random(f"{options.seed} {number}")
        ending, build = _case(number, frontend, chance)
        if build.name not in places:
            places[build.name] = _place(folder / frontend.name, build, frontend)
        trial, seconds = places[build.name]
        outcome = trial.ended(ending, chance.random() * seconds * MOST_OF_ITS_LENGTH, chance)
        if frontend is OURS:
            tell(number + 1, outcome)
        trial.place.clear()
        yield outcome


def _case(number: int, frontend: Frontend, chance: random.Random) -> tuple[Ending, Build]:
    return COMMON[number % len(COMMON)], chance.choice(frontend.beside)


def _place(folder: Path, build: Build, frontend: Frontend) -> tuple[Trial, float]:
    trial = Trial(folder / build.name, build, folder / "cache", frontend=frontend)
    trial.undisturbed()
    trial.place.clear()
    # The second time, what it keeps is there.
    seconds, _ = trial.undisturbed()
    trial.place.clear()
    return trial, seconds


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    at_once = [dataclasses.replace(one, found=_without_next(one.found)) for one in outcomes]
    return (
        name,
        str(len(outcomes)),
        str(sum(one.is_complete for one in outcomes)),
        str(sum(not one.found for one in at_once)),
        str(sum(not _kinds(one) - {"daemon"} for one in at_once)),
        *(str(sum(kind in _kinds(one) for one in at_once)) for _, kind in COUNTED),
        str(sum(any(flaw.is_of_next and flaw.kind == "folder" for flaw in one.found) for one in outcomes)),
        f"{max(one.seconds for one in outcomes):.1f} s",
    )


def _without_next(found: Sequence[Flaw]) -> tuple[Flaw, ...]:
    return tuple(flaw for flaw in found if not flaw.is_of_next)


def _kinds(outcome: Outcome) -> set[Kind]:
    return {flaw.kind for flaw in outcome.found}


PEERS = Part("peers", run)

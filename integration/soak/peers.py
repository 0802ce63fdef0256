"""The same ends of the same builds with other frontends, beside ours. What they leave is told, and is no failure."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

from integration.benchmark.tables import Table
from integration.soak.arguments import Options
from integration.soak.builds import COMMON, Build
from integration.soak.endings import ENDINGS, Ending
from integration.soak.flaw import Flaw, Kind, Outcome
from integration.soak.frontend import FRONTENDS, OURS, Frontend
from integration.soak.interruptions import MOST_OF_ITS_LENGTH
from integration.soak.part import Part, Result
from integration.soak.tally import tell
from integration.soak.trial import Trial

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "second Ctrl-C", "closed terminal", "closed output")
# What others have as well: no host, no coroutine.
SHARED = tuple(ending for ending in ENDINGS if ending.name in NAMES)
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
NOTE = """\
In how many cases a process of a hook or an installer went on, children and daemons of a backend did, a temporary folder
was left, and so on. `python -m build` and `uv build` promise nothing of daemons, which they leave after any build, nor
that an sdist is published with its wheel only; `uv cache prune` removes the folders of uv."""


def run(options: Options, folder: Path) -> Result:
    """End as many builds of each frontend as asked for, or until Ctrl-C."""
    places = Places(folder)
    found: dict[str, list[Outcome]] = {frontend.name: [] for frontend in FRONTENDS}
    with contextlib.suppress(KeyboardInterrupt):
        for number in range(options.cases[PEERS.name]):
            for frontend in FRONTENDS:
                # The same for all.
                chance = random.Random(f"{options.seed} {number}")
                found[frontend.name].append(places.ended(frontend, number, chance))
            tell(number + 1, found[OURS.name][-1])
    ours = found[OURS.name]
    return Result(
        tried=len(ours),
        survived=sum(not one.residue for one in ours),
        residue=sum(len(one.residue) for one in ours),
        peak=None,
        longest=max((one.seconds for one in ours), default=0.0),
        tables=(Table("Beside others", COLUMNS, [_row(name, outcomes) for name, outcomes in found.items()], 1, NOTE),),
    )


class Places:
    """A place for each build with each frontend, made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str], tuple[Trial, float]] = {}

    def ended(self, frontend: Frontend, number: int, chance: random.Random) -> Outcome:
        """End one build, and remove what is left."""
        ending, build = _case(number, chance)
        key = frontend.name, build.name
        if key not in self._made:
            self._made[key] = self._make(frontend, build)
        trial, seconds = self._made[key]
        outcome = trial.ended(ending, chance.random() * seconds * MOST_OF_ITS_LENGTH, chance)
        trial.place.clear()
        return outcome

    def _make(self, frontend: Frontend, build: Build) -> tuple[Trial, float]:
        folder = self._folder / frontend.name
        trial = Trial(folder / build.name, build, folder / "cache", frontend=frontend)
        trial.undisturbed()
        trial.place.clear()
        # The second time, what it keeps is there.
        seconds, _ = trial.undisturbed()
        trial.place.clear()
        return trial, seconds


def _case(number: int, chance: random.Random) -> tuple[Ending, Build]:
    return SHARED[number % len(SHARED)], chance.choice(COMMON)


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
        f"{max((one.seconds for one in outcomes), default=0.0):.1f} s",
    )


def _without_next(found: Sequence[Flaw]) -> tuple[Flaw, ...]:
    return tuple(flaw for flaw in found if not flaw.is_of_next)


def _kinds(outcome: Outcome) -> set[Kind]:
    return {flaw.kind for flaw in outcome.found}


PEERS = Part("peers", run)

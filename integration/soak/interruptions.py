"""Builds that are ended in every way, at random moments."""

from __future__ import annotations

import contextlib
import random
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker.errors import APIError
from integration.soak.arguments import Options
from integration.soak.builds import BUILDS, CONTAINER, Build
from integration.soak.endings import ENDINGS, Ending
from integration.soak.part import Part, Result
from integration.soak.tally import complaint, table
from integration.soak.trial import Outcome, Trial
from watched_engine import WatchedEngine

# Beyond the end too, for no two take the same time.
MOST_OF_ITS_LENGTH = 1.1


def run(options: Options, folder: Path) -> Result:
    """End as many builds as asked for."""
    outcomes: list[Outcome] = []
    with _watched(options.engine) as engine:
        for number, outcome in enumerate(_outcomes(options, Workspaces(folder, engine)), 1):
            outcomes.append(outcome)
            if outcome.residue:
                print(complaint(number, outcome), file=sys.stderr, flush=True)
    return Result(
        tried=len(outcomes),
        survived=sum(not one.residue for one in outcomes),
        residue=sum(len(one.residue) for one in outcomes),
        peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        longest=max((one.seconds for one in outcomes), default=0.0),
        tables=(table(outcomes),),
    )


class Workspaces:
    """A workspace for each build, made when it is needed."""

    def __init__(self, folder: Path, engine: WatchedEngine | None) -> None:
        self._folder = folder
        self._engine = engine
        self._made: dict[str, tuple[Trial, float, list[str]]] = {}
        self.builds = (*BUILDS, *([CONTAINER] if engine else []))

    def of(self, build: Build) -> tuple[Trial, float, list[str]]:
        """Return it, the seconds that a build takes there, and what was wrong after those that nobody ended."""
        if build.name not in self._made:
            engine = self._engine if build is CONTAINER else None
            trial = Trial(self._folder / build.name, build, self._folder / "cache", engine)
            _, wrong = trial.undisturbed()
            # The second time an environment is there.
            seconds, wrong_again = trial.undisturbed()
            self._made[build.name] = trial, seconds, [*wrong, *wrong_again]
        return self._made[build.name]


def _outcomes(options: Options, workspaces: Workspaces) -> Iterator[Outcome]:
    chance = random.Random(options.seed)
    for number in range(options.cases[INTERRUPTIONS.name]):
        build, ending = _case(number, workspaces.builds, chance)
        trial, seconds, wrong = workspaces.of(build)
        if wrong:
            yield Outcome(build.name, "its own end", is_complete=True, residue=tuple(wrong), seconds=0.0)
            wrong.clear()
        yield trial.ended(ending, chance.random() * seconds * MOST_OF_ITS_LENGTH, chance)


def _case(number: int, builds: Sequence[Build], chance: random.Random) -> tuple[Build, Ending]:
    """Choose what to end; each way in its turn."""
    ending = ENDINGS[number % len(ENDINGS)]
    return chance.choice([build for build in builds if build.argv == ("demo",) or not ending.is_coroutine]), ending


@contextlib.contextmanager
def _watched(address: str | None) -> Iterator[WatchedEngine | None]:
    if address is None:
        yield None
        return
    with WatchedEngine(address) as engine:
        try:
            yield engine
        finally:
            for image in engine.images:
                with contextlib.suppress(APIError):
                    engine.api.remove_image(image, force=True)


INTERRUPTIONS = Part("interruptions", run)

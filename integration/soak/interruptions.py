"""Builds that are ended in every way, at random moments."""

from __future__ import annotations

import contextlib
import random
import resource
from collections.abc import Iterator
from pathlib import Path

from docker.errors import APIError
from integration.soak.arguments import Options
from integration.soak.builds import BUILDS, CONTAINER, Build
from integration.soak.endings import ENDINGS, Ending
from integration.soak.flaw import Flaw, Outcome
from integration.soak.part import Part, Result
from integration.soak.tally import table, tell
from integration.soak.trial import Trial
from watched_engine import WatchedEngine

# Beyond the end too, for no two take the same time.
MOST_OF_ITS_LENGTH = 1.1
# Every which case has a container.
CONTAINERS = 10


def run(options: Options, folder: Path) -> Result:
    """End as many builds as asked for, or until Ctrl-C."""
    outcomes: list[Outcome] = []
    with _watched(options.engine) as engine, contextlib.suppress(KeyboardInterrupt):
        for number, outcome in enumerate(_outcomes(options, Workshop(folder, engine)), 1):
            outcomes.append(outcome)
            tell(number, outcome)
    return Result(
        tried=len(outcomes),
        survived=sum(not one.residue for one in outcomes),
        residue=sum(len(one.residue) for one in outcomes),
        peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        longest=max((one.seconds for one in outcomes), default=0.0),
        tables=(table(outcomes),),
    )


class Workshop:
    """A place for each build, made when it is needed."""

    def __init__(self, folder: Path, engine: WatchedEngine | None) -> None:
        self._folder = folder
        self._made: dict[str, tuple[Trial, float, list[Flaw]]] = {}
        self.engine = engine

    def of(self, build: Build) -> tuple[Trial, float, list[Flaw]]:
        """Return it, the seconds that a build takes there, and what was wrong after those that nobody ended."""
        if build.name not in self._made:
            engine = self.engine if build is CONTAINER else None
            trial = Trial(self._folder / build.name, build, self._folder / "cache", engine)
            seconds, wrong = trial.undisturbed()
            if not build.next_argv:
                # The second time an environment is there.
                seconds, wrong_again = trial.undisturbed()
                wrong += wrong_again
            self._made[build.name] = trial, seconds, wrong
        return self._made[build.name]


def _outcomes(options: Options, workshop: Workshop) -> Iterator[Outcome]:
    for number in range(options.cases[INTERRUPTIONS.name]):
        # Of its own: how often others were asked differs from run to run.
        chance = random.Random(f"{options.seed} {number}")
        build, ending = _case(number, chance, has_engine=workshop.engine is not None)
        trial, seconds, wrong = workshop.of(build)
        if wrong:
            yield Outcome(build.name, "its own end", is_complete=True, found=tuple(wrong), seconds=0.0)
            wrong.clear()
        yield trial.ended(ending, chance.random() * seconds * MOST_OF_ITS_LENGTH, chance)


def _case(number: int, chance: random.Random, *, has_engine: bool) -> tuple[Build, Ending]:
    """Choose what to end; each way in its turn."""
    ending = ENDINGS[number % len(ENDINGS)]
    if ending.is_coroutine:
        return chance.choice([build for build in BUILDS if build.argv == ("demo",)]), ending
    # Containers take longer than all else.
    return CONTAINER if has_engine and number % CONTAINERS == 0 else chance.choice(BUILDS), ending


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

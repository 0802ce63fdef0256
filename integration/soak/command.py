"""The command line of the soak."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from integration.soak.arguments import Options, parse
from integration.soak.builds import BUILDS, Build, in_container
from integration.soak.endings import ENDINGS, Ending
from integration.soak.tally import complaint, table
from integration.soak.trial import Outcome, Trial, workshop

# Beyond the end too, for none is of the same length.
MOST_OF_ITS_LENGTH = 1.1


def main(argv: Sequence[str] | None = None) -> int:
    """End builds as long as asked for; return 1 if there was residue."""
    options = parse(argv)
    print(f"seed {options.seed}", file=sys.stderr)
    outcomes: list[Outcome] = []
    with workshop() as folder:
        for number, outcome in enumerate(_outcomes(options, folder), 1):
            outcomes.append(outcome)
            if outcome.residue:
                print(complaint(number, outcome), file=sys.stderr, flush=True)
    print(table(outcomes))
    return 1 if any(outcome.residue for outcome in outcomes) else 0


def _outcomes(options: Options, folder: Path) -> Iterator[Outcome]:
    chance = random.Random(options.seed)
    builds = [*BUILDS, *([in_container(options.engine)] if options.engine else [])]
    trials: dict[str, tuple[Trial, float]] = {}
    end = time.monotonic() + options.minutes * 60
    number = 0
    while time.monotonic() < end and number != options.cases:
        number += 1
        build, ending = _case(number, builds, chance)
        if build.name not in trials:
            trial = Trial(folder / build.name, build, folder / "cache")
            trial.undisturbed()
            # The second time is what it takes when there is an environment.
            seconds, wrong = trial.undisturbed()
            trials[build.name] = trial, seconds
            if wrong:
                yield Outcome(build.name, "its own end", is_complete=True, residue=tuple(wrong), seconds=0.0)
        trial, seconds = trials[build.name]
        yield trial.ended(ending, chance.random() * seconds * MOST_OF_ITS_LENGTH, chance)


def _case(number: int, builds: Sequence[Build], chance: random.Random) -> tuple[Build, Ending]:
    """Choose what to end; each way in its turn."""
    ending = ENDINGS[number % len(ENDINGS)]
    # The library knows nothing of daemons of hooks that have interpreters of their own.
    possible = [build for build in builds if build.is_hosted or not ending.is_coroutine]
    if ending.is_coroutine:
        possible = [build for build in possible if build.argv == ("demo",)]
    return chance.choice(possible), ending

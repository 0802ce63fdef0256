"""Small builds as jobs: what a job of a scheduler's worker costs, and what a second worker brings."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from integration.benchmark.measurement import Bench, empty
from integration.benchmark.running import BenchmarkError, held
from integration.projects import sdist

BUILDS: Final = 40
REQUIREMENT: Final = "distributed"
HERE, ONE, TWO = "here", "one", "two"
TITLES: Final[Mapping[str, str]] = {
    HERE: "hwb --jobs 1",
    ONE: "hwb --scheduler, 1 worker",
    TWO: "hwb --scheduler, 2 workers",
}
CAPABILITY: Final = f"cp{sys.version_info[0]}{sys.version_info[1]}"
DEADLINE: Final = 60.0
# Each a project of its own, whose backend is in its tree and needs nothing.
CHANGE: Final = 'TALK = False\nNAME = "demo{number}"\n'


def measure(bench: Bench, rounds: int, seed: int) -> dict[str, list[float]]:
    """Return the seconds that all builds took in each round; the first round warms caches and does not count."""
    folder = bench.workspace.root / "jobs"
    sdists = [_sdist(folder / "sdists", number) for number in range(BUILDS)]
    order = random.Random(seed)
    taken: dict[str, list[float]] = {name: [] for name in TITLES}
    with _cluster(bench, folder / ONE, 1) as one, _cluster(bench, folder / TWO, 2) as two:
        options = {HERE: ["--jobs", "1"], ONE: ["--scheduler", one], TWO: ["--scheduler", two]}
        for number in range(rounds + 1):
            for name in order.sample(list(options), len(options)):
                seconds = _run(bench, sdists, options[name])
                taken[name] += [seconds] if number else []
    return taken


def _sdist(folder: Path, number: int) -> Path:
    name = f"demo{number}"
    return sdist(folder, f"{name}-1.0.tar.gz", CHANGE.format(number=number), project=name)


def _run(bench: Bench, sdists: Sequence[Path], options: Sequence[str]) -> float:
    with empty(bench.workspace.root / "jobs" / "run") as folder:
        for name in ("out", "tree", "tmp"):
            (folder / name).mkdir()
        argv = [str(bench.toolbox.python), "-m", "headless_wheel_builder", "-w", "-o", str(folder / "out"), *options]
        timing = bench.timed([*argv, *map(str, sdists)], folder, _environment(bench, folder))
        if (made := len(list((folder / "out").glob("*.whl")))) != BUILDS:
            raise BenchmarkError(f"{made} wheels of {BUILDS}:\n{(folder / 'log').read_text(errors='replace')}")
        return timing.seconds


def _environment(bench: Bench, folder: Path) -> dict[str, str]:
    return bench.workspace.environment(bench.toolbox.programs, TMPDIR=folder / "tmp")


@contextlib.contextmanager
def _cluster(bench: Bench, folder: Path, workers: int) -> Iterator[str]:
    """Have a scheduler with workers that do one job at a time, and return its address."""
    (folder / "tmp").mkdir(parents=True)
    place = folder / "scheduler.json"
    with contextlib.ExitStack() as started:

        def start(name: str, *argv: str) -> Path:
            log = folder / f"{name}.log"
            started.enter_context(_process(bench, folder, log, *argv))
            return log

        common = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        start("scheduler", "scheduler", *common, "--port", "0", "--scheduler-file", str(place))
        _wait(lambda: place.exists() and place.read_text().rstrip().endswith("}"), folder)
        address: str = json.loads(place.read_text())["address"]
        options = (*common, "--no-nanny", "--nthreads", "1", "--resources", f"{CAPABILITY}=1")
        options = (*options, "--local-directory", str(folder / "tmp"))
        logs = [start(f"worker{number}", "worker", address, *options) for number in range(workers)]
        _wait(lambda: all("Registered to" in log.read_text() for log in logs), folder)
        yield address


@contextlib.contextmanager
def _process(bench: Bench, folder: Path, log: Path, *argv: str) -> Iterator[None]:
    with held(), log.open("wb") as said:
        process = subprocess.Popen(
            [bench.toolbox.python, "-m", "dask", *argv],
            cwd=folder,
            env=_environment(bench, folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with held():
            process.terminate()
            process.wait()


def _wait(condition: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise BenchmarkError("\n".join(log.read_text(errors="replace") for log in folder.glob("*.log")))
        time.sleep(0.05)

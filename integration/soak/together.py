"""Many builds at the same time, with one store, one temporary folder and one index that changes."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from integration.soak import soundness
from integration.soak.arguments import Options
from integration.soak.crowd import (
    BACKEND,
    CHANGED,
    CLEAN_UP,
    HELPERS,
    KINDS,
    OTHER,
    OTHERS,
    UNDISTURBED,
    Kind,
    interpreters,
    make_projects,
    publish,
)
from integration.soak.part import Part, Result
from integration.soak.started import Started, start
from integration.soak.verdict import Verdict, complaint, result
from local_index import Index

from headless_wheel_builder.isolation.store import Limits

AT_ONCE = 8
# After so many, all have to end, and everything is looked at.
ROUND = 32
# How many come between two changes of the index.
CHANGE = 10
# Eight builds share the processors, with whatever else runs.
DEADLINE = 180.0
STAINED = "stain.py was added"


class Crowd:
    """The builds, and what they share.

    :param folder: an empty one
    """

    def __init__(self, folder: Path, index: Index, seed: int) -> None:
        self._folder = folder
        self._index = index
        self._seed = seed
        self._projects = make_projects(folder / "projects")
        self._interpreters = interpreters()
        self.store = folder / "store"
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self._env = {
            "HWB_CACHE_DIR": os.fspath(self.store),
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": os.fspath(folder / "uv"),
            "PIP_INDEX_URL": index.url,
            "PIP_CACHE_DIR": os.fspath(folder / "pip"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
        }
        self._versions: list[str] = []
        self._lock = threading.Lock()
        # What a build takes, here and now.
        self._typical = 1.0
        for number in range(HELPERS):
            index.publish(f"helper{number}", "1.0")
        self.change_index()

    def change_index(self) -> None:
        """Have environments be outdated."""
        with self._lock:
            self._versions.append(f"{len(self._versions) + 1}.0")
            publish(self._index, self._versions[-1])

    def case(self, number: int, kind: Kind) -> Verdict:
        """Run one build, in the middle of others, and look what it has made."""
        return self.build(self._folder / "cases" / str(number), kind, random.Random(f"{self._seed} {number}"))

    def build(self, place: Path, kind: Kind, chance: random.Random) -> Verdict:
        """Run one build, and look what it has made.

        :param place: has its output folder
        """
        with self._lock:
            known = len(self._versions) - 1
        names = [
            name.format(other=chance.choice(OTHERS), python=chance.choice(self._interpreters)) for name in kind.argv
        ]
        (place / "dist").mkdir(parents=True, exist_ok=True)
        (place / "dist" / "old-0.9.tar.gz").write_text("an earlier one")
        argv = [os.fspath(self._projects.get(name, name)) for name in names]
        started = start((*argv, "-o", str(place / "dist")), place, self._temporary, self._env, at_terminal=False)
        seconds, wrong = self._watched(started, kind, chance)
        wrong += [f"process: {one}" for one in started.survivors()]
        started.hang_up()
        built = [name for name in names if name in self._projects]
        wrong += self._published(place / "dist", built, known) if kind.publishes else self._whole(place / "dist")
        text = started.output.decode(errors="replace")
        wrong += [] if kind.says in text else [f"it does not say {kind.says!r}"]
        # No hook changes the environments of these: it was removed, or overwritten.
        wrong += [f"its environment {CHANGED}"] if CHANGED in text and set(built) <= set(OTHERS) else []
        return Verdict(kind.name, tuple(wrong), seconds, text)

    def quiet(self) -> Iterator[str]:
        """Say what is wrong when all have ended: whatever was killed, the next builds remove what it left."""
        killed = [folder for folder in self._folder.glob("cases/*") if any((folder / "dist").glob(".*"))]
        for place in killed or [self._folder / "cases" / "quiet"]:
            yield from self.build(place, UNDISTURBED, random.Random(0)).wrong
            yield from (f"left in the output folder: {path.name}" for path in (place / "dist").glob(".*"))
        soundness.tidied(self.store)
        yield from soundness.unsound(self.store, BACKEND, STAINED)
        yield from (f"temporary: {path}" for path in self._temporary.rglob("*"))

    def _certain(self) -> Iterator[str]:
        """Say what is wrong where it is no matter of chance what happens at the same time."""
        place = self._folder / "cases"
        # The environment of the first is there, and may not be used any more.
        yield from self.build(place / "older", UNDISTURBED, random.Random(0)).wrong
        self.change_index()
        yield from self.build(place / "newer", UNDISTURBED, random.Random(0)).wrong
        # What is used is not removed.
        with ThreadPoolExecutor(1) as pool:
            tidying = pool.submit(self.build, place / "tidying", CLEAN_UP, random.Random(0))
            for number in range(2):
                yield from self.build(place / f"tidied-{number}", OTHER, random.Random(0)).wrong
            yield from tidying.result().wrong

    def end(self) -> Iterator[str]:
        """Say what is wrong with the store when it is made smaller, and then empty."""
        before = soundness.sizes(self.store)
        half = sum(before) // 2
        soundness.tidied(self.store, Limits(size=half))
        size = sum(soundness.sizes(self.store))
        # Nothing stays if what was used last is more than half, as when there are only few.
        if size > half or (not size and before[-1] <= half):
            yield f"store: it has {size} bytes, and may have {half}"
        yield from soundness.unsound(self.store, BACKEND, STAINED)
        yield from self._certain()
        yield from soundness.empty(self.store)

    def _watched(self, started: Started, kind: Kind, chance: random.Random) -> tuple[float, list[str]]:
        began = time.monotonic()
        if kind.end is not None:
            started.wait(chance.random() * self._typical * 1.1)
            kind.end(started)
            began = time.monotonic()
        hangs = not started.wait(DEADLINE)
        seconds = time.monotonic() - began
        if kind is UNDISTURBED:
            self._typical = seconds
        code = started.process.returncode
        shown = 128 - code if code is not None and code < 0 else code
        wrong = ["it hangs"] if hangs else [] if shown in kind.codes else [f"exit code {shown}"]
        return seconds if kind.end else 0.0, wrong

    def _published(self, folder: Path, names: list[str], known: int) -> Iterator[str]:
        for name in set(names):
            wheels = list(folder.rglob(f"{name}-1.0-py3-none-any.whl"))
            if len(wheels) != names.count(name):
                yield f"{len(wheels)} wheels of {name}"
            for wheel in wheels:
                yield from self._told(wheel, known)
        yield from self._whole(folder)

    def _told(self, wheel: Path, known: int) -> Iterator[str]:
        with zipfile.ZipFile(wheel) as archive:
            version = archive.read("demo.py").decode().split()[0]
            seen = archive.read("seen.py").decode()
        if version not in self._versions[known:]:
            yield f"made by {version}, not by one of {self._versions[known:]}"
        if seen:
            yield f"made in an environment with {seen}"

    def _whole(self, folder: Path) -> Iterator[str]:
        if not (folder / "old-0.9.tar.gz").exists():
            yield "the earlier one is gone"
        for path in folder.rglob("*-1.0*"):
            if path.is_file() and not (zipfile.is_zipfile(path) if path.suffix == ".whl" else tarfile.is_tarfile(path)):
                yield f"artifact: {path.name}"


def run(options: Options, folder: Path) -> Result:
    """Run as many builds as asked for."""
    verdicts: list[Verdict] = []
    # What is there until Ctrl-C is told.
    with Index() as index, contextlib.suppress(KeyboardInterrupt):
        crowd = Crowd(folder, index, options.seed)
        for verdict in _verdicts(crowd, options.cases[BUILDS.name], options.seed):
            verdicts.append(verdict)
            if verdict.wrong:
                print(complaint(len(verdicts), verdict), file=sys.stderr, flush=True)
    return result("Builds at the same time", verdicts)


def _verdicts(crowd: Crowd, cases: int, seed: int) -> Iterator[Verdict]:
    numbers = range(cases)
    for first in numbers[::ROUND]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(lambda number: _case(crowd, number, seed), numbers[first : first + ROUND])
        yield Verdict("nobody builds any more", tuple(crowd.quiet()))
    yield Verdict("the store is made smaller, and empty", tuple(crowd.end()))


def _case(crowd: Crowd, number: int, seed: int) -> Verdict:
    if number % CHANGE == CHANGE - 1:
        crowd.change_index()
    # Each kind in its turn, in another order each time.
    turn, at = divmod(number, len(KINDS))
    kinds = random.Random(f"{seed} {turn}").sample(KINDS, len(KINDS))
    return crowd.case(number, kinds[at])


BUILDS = Part("builds", run)

"""One build that is ended, and what is wrong afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import shutil
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from frontends import tree
from integration.soak.builds import Build
from integration.soak.endings import Ending
from integration.soak.started import DEADLINE, Started, start
from watched_engine import WatchedEngine

CANCELLED = Path(__file__).with_name("cancelled.py")
# The engine ends by itself what a killed command line has left there.
ENGINE_SECONDS = 30.0
FRONTEND = ("-m", "headless_wheel_builder")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one build.

    :param is_complete: whether it was complete before it could be ended
    :param residue: what should not be there, in words
    :param seconds: from the end that it was given to its own
    """

    build: str
    ending: str
    is_complete: bool
    residue: tuple[str, ...]
    seconds: float
    output: str = ""


class Trial:
    """A workspace with a temporary folder and a cache, which are used by one build after the other.

    :param cache: is shared by all
    :param engine: of containers
    """

    def __init__(self, folder: Path, build: Build, cache: Path, engine: WatchedEngine | None = None) -> None:
        self.build = build
        self._engine = engine
        self.root = folder / "w"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self._env = {"HWB_CACHE_DIR": str(cache), **({"DOCKER_HOST": engine.host} if engine else {})}
        build.make(self.root)
        self._places = [self.root / "dist", self.root / "demo" / "dist"]
        for place in self._places:
            place.mkdir()
            (place / "old-0.9.tar.gz").write_text("an earlier one")
        self._before = set(tree(self.root))

    def undisturbed(self) -> tuple[float, list[str]]:
        """Build once; return the seconds that took and what is wrong."""
        began = time.monotonic()
        started = self._start((*FRONTEND, *self.build.argv))
        started.wait(DEADLINE)
        seconds = time.monotonic() - began
        wrong = [*self._exit_code(started, frozenset()), *self._left(started)]
        self._forget_artifacts()
        return seconds, wrong

    def ended(self, ending: Ending, after: float, chance: random.Random) -> Outcome:
        """Begin to build, end it after a while, and look what is left; then build again."""
        argv = (str(CANCELLED), "demo", str(after)) if ending.is_coroutine else (*FRONTEND, *self.build.argv)
        started = self._start(argv, at_terminal=ending.at_terminal)
        is_complete = not ending.is_coroutine and started.wait(after)
        ending.act(started, chance)
        began = time.monotonic()
        hangs = not started.wait(DEADLINE)
        seconds = time.monotonic() - began - (after if ending.is_coroutine else 0.0)
        wrong = ["it hangs"] if hangs else self._exit_code(started, ending.codes)
        wrong += self._left(started, may_leave_folders=not ending.is_noticed)
        self._forget_artifacts()
        # What could not be noticed is removed by this one.
        wrong += [f"the next build: {one}" for one in self.undisturbed()[1]]
        text = started.output.decode(errors="replace")
        return Outcome(self.build.name, ending.name, is_complete, tuple(wrong), max(seconds, 0.0), text)

    def _start(self, argv: tuple[str, ...], *, at_terminal: bool = False) -> Started:
        return start(argv, self.root, self.temporary, self._env, at_terminal=at_terminal)

    def _exit_code(self, started: Started, codes: frozenset[int]) -> list[str]:
        code = started.process.returncode
        shown = 128 - code if code is not None and code < 0 else code
        return [] if shown in {0, *codes} else [f"exit code {shown}"]

    def _left(self, started: Started, *, may_leave_folders: bool = False) -> list[str]:
        wrong = [f"process: {one}" for one in started.survivors()]
        started.hang_up()
        wrong += [f"artifact: {one}" for one in self._broken_artifacts()]
        if not may_leave_folders:
            wrong += [f"temporary: {path.name}" for path in self.temporary.rglob("*")][:5]
            wrong += [
                f"left: {path}" for path in sorted(set(tree(self.root)) - self._before) if not self._is_wanted(path)
            ]
        wrong += [f"gone: {path}" for path in sorted(self._before - set(tree(self.root)))]
        return wrong

    def _is_wanted(self, path: str) -> bool:
        # What setuptools writes into a source tree is there with any frontend.
        is_of_the_backend = path.split("/")[1:2] == ["build"] or ".egg-info" in path
        return is_of_the_backend or os.path.basename(path).startswith(self.build.names)

    def _broken_artifacts(self) -> Iterator[str]:
        for path in self._artifacts():
            is_whole = zipfile.is_zipfile(path) if path.suffix == ".whl" else tarfile.is_tarfile(path)
            if not is_whole:
                yield path.name

    def _artifacts(self) -> list[Path]:
        # A stage that SIGKILL left is a folder.
        found = [path for place in self._places if place.is_dir() for path in place.iterdir() if path.is_file()]
        return [path for path in found if "old" not in path.name]

    def _forget_artifacts(self) -> None:
        for path in self._artifacts():
            path.unlink()


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """Have a folder for all workspaces."""
    folder = Path(tempfile.mkdtemp(prefix="hwb-soak-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

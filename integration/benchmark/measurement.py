"""Run each contender once per round, in an order that is another in each round."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integration.benchmark import cibuildwheel
from integration.benchmark.contenders import ARTIFACTS, CONTAINER, CONTENDERS, Contender, Kind
from integration.benchmark.engine import Engine
from integration.benchmark.projects import Project
from integration.benchmark.running import BenchmarkError, Timing, timed
from integration.benchmark.toolbox import Toolbox, environment
from integration.benchmark.workspace import Workspace


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run of one contender.

    :param peak: the peak resident memory of the biggest of its processes, in bytes
    """

    kind: Kind
    project: str
    contender: str
    round: int
    seconds: float
    peak: int


class Bench:
    """Where contenders run.

    :param seed: what the orders come from
    :param engine: for containers
    """

    def __init__(self, workspace: Workspace, toolbox: Toolbox, seed: int, engine: Engine | None = None) -> None:
        self.workspace = workspace
        self.toolbox = toolbox
        self._engine = engine
        self._ready: dict[str, Path] = {}
        self._random = random.Random(seed)

    def measure(
        self, project: Project, kind: Kind, contenders: Sequence[Contender], rounds: int
    ) -> Iterator[list[Sample]]:
        """Run all of them in each round; the first round warms caches and does not count."""
        for number in range(rounds + 1):
            order = self._random.sample(contenders, len(contenders))
            timings = {contender.name: self.run(project, kind, contender) for contender in order}
            if number:
                yield [
                    Sample(kind, project.name, name, number, timing.seconds, timing.peak)
                    for name, timing in timings.items()
                ]

    def run(self, project: Project, kind: Kind, contender: Contender) -> Timing:
        """Run one contender once, and check that it has built what it should."""
        ready = self._prepared(project, kind) if contender.seconds == "reported" else ""
        with empty(self.workspace.root / "runs" / project.name / contender.name) as folder, self._unkept(folder):
            fields = {**self._fields(folder), "backend": project.backend, "ready": ready}
            env = self.fresh(project, folder, store=contender.store)
            timing = self.timed(contender.argv(kind, fields), folder, self._engaged(env, contender))
            check(folder, kind, contender)
            if contender.seconds == "reported":
                return Timing(float((folder / "report").read_text()), timing.peak)
            return timing

    def fresh(self, project: Project, folder: Path, *, store: str = "warm") -> dict[str, str]:
        """Put a copy of a project and empty folders there; return the environment of the run."""
        shutil.copytree(project.tree, folder / "tree", symlinks=True)
        (folder / "tmp").mkdir()
        (folder / "out").mkdir()
        more = {"HWB_CACHE_DIR": folder / "store"} if store == "empty" else {}
        return self.workspace.environment(self.toolbox.programs, TMPDIR=folder / "tmp", **more)

    def timed(self, argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> Timing:
        """Run a command in the copy."""
        return timed(argv, env=env, cwd=folder / "tree", log=folder / "log")

    def _fields(self, folder: Path) -> dict[str, str]:
        places = {name: str(folder / name) for name in ("out", "report")}
        image = self._engine.image if self._engine else ""
        return {**places, "python": str(self.toolbox.python), "uv": self.toolbox.uv, "image": image}

    def _engaged(self, env: Mapping[str, str], contender: Contender) -> Mapping[str, str]:
        """Add what containers need to an environment."""
        if self._engine is None:
            return env
        frontend, cache = contender.frontend, self.workspace.root / "cibuildwheel"
        more = cibuildwheel.settings(frontend, self._engine, cache, env) if frontend else {}
        return {**self._engine.environment(env), **more}

    @contextlib.contextmanager
    def _unkept(self, folder: Path) -> Iterator[None]:
        """Have no images in the end that the store of one run alone knows."""
        try:
            yield
        finally:
            if self._engine is not None:
                self._engine.forget(folder / "store")

    @property
    def _store(self) -> Path:
        return self.workspace.root / "store"

    def _prepared(self, project: Project, kind: Kind) -> str:
        """Return an environment that has what the hooks of a project need: a folder, or an image."""
        if kind != CONTAINER or self._engine is None:
            return str(self._ready_environment(project))
        if not self._engine.kept(self._store):
            self.run(project, kind, CONTENDERS["later"])
        return self._engine.kept(self._store)[0]

    def _ready_environment(self, project: Project) -> Path:
        if project.name not in self._ready:
            folder = self.workspace.root / "ready" / project.name
            self._ready[project.name] = environment(folder, project.requires, self.workspace)
        return self._ready[project.name]


@contextlib.contextmanager
def empty(folder: Path) -> Iterator[Path]:
    """Make a folder that is gone in the end, at the same place each time: people build a project where it is."""
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def check(folder: Path, kind: Kind, contender: Contender) -> None:
    """Check that a run has built what it should."""
    for pattern in ARTIFACTS[kind]:
        if not list((folder / "out").glob(pattern)):
            log = (folder / "log").read_text(errors="replace")
            raise BenchmarkError(f"{contender.title} ended well, but there is no {pattern}:\n{log}")

"""Where builds are ended, one after the other, and what is there that should not be."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from frontends import tree
from integration.soak.builds import Build
from integration.soak.flaw import Flaw
from integration.soak.frontend import Frontend
from watched_engine import WatchedEngine

# The engine ends by itself what a killed command line has left there.
ENGINE_SECONDS = 30.0
MOST_FOLDERS = 5


class Workplace:
    """A project with a temporary folder and a cache.

    :param cache: may be shared with others
    :param engine: of containers
    """

    def __init__(
        self, folder: Path, build: Build, cache: Path, frontend: Frontend, engine: WatchedEngine | None = None
    ) -> None:
        self.root = folder / "w"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self._build = build
        self._cache = cache
        self._frontend = frontend
        self._engine = engine
        self.environ = {**build.environ, **frontend.environ(cache), **({"DOCKER_HOST": engine.host} if engine else {})}
        build.make(self.root)
        self._places = [self.root / "dist", self.root / "demo" / "dist"]
        for place in self._places:
            place.mkdir()
            (place / "old-0.9.tar.gz").write_text("an earlier one")
        self._before = set(tree(self.root))

    def flaws(self) -> Iterator[Flaw]:
        """Yield what is wrong here."""
        yield from (Flaw("artifact", path.name) for path in self.artifacts() if not is_whole(path))
        new, gone = self._changes()
        folders = [path.name for path in self.temporary.rglob("*")][:MOST_FOLDERS]
        folders += [path.name for path in self._frontend.temporary(self._cache)]
        yield from (Flaw("folder", name) for name in [*folders, *new])
        yield from (Flaw("gone", path) for path in gone)
        if self._engine is not None:
            yield from (Flaw("engine", one) for one in self._engine.residue(ENGINE_SECONDS))

    def artifacts(self) -> list[Path]:
        """Return what was published since they were forgotten."""
        # A stage that SIGKILL left is a folder.
        found = [path for place in self._places if place.is_dir() for path in place.iterdir() if path.is_file()]
        return [path for path in found if "old" not in path.name and path.name not in self._frontend.own]

    def published_after(self, moment: float) -> list[str]:
        """Return the names of artifacts that came later than some time."""
        return [path.name for path in self.artifacts() if path.stat().st_ctime > moment]

    def forget_artifacts(self) -> None:
        """Remove what was published."""
        for path in self.artifacts():
            path.unlink()

    def clear(self) -> None:
        """Remove whatever was left."""
        new = map(self.root.joinpath, self._changes()[0])
        for path in [*self.temporary.iterdir(), *self._frontend.temporary(self._cache), *new]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _changes(self) -> tuple[list[str], list[str]]:
        after = set(tree(self.root))
        return [path for path in sorted(after - self._before) if not self._is_wanted(path)], sorted(
            self._before - after
        )

    def _is_wanted(self, path: str) -> bool:
        # What setuptools writes into a source tree is there with any frontend; also the folder of which it makes an
        # sdist, if it is ended meanwhile.
        _, *rest = path.split("/")
        is_of_the_backend = rest[:1] == ["build"] or ".egg-info" in path or (rest[:1] and rest[0] in self._build.names)
        name = os.path.basename(path)
        return bool(is_of_the_backend) or name.startswith(self._build.names) or name in self._frontend.own


def is_whole(artifact: Path) -> bool:
    """Tell whether an archive can be read to its end."""
    try:
        if artifact.suffix == ".whl":
            with zipfile.ZipFile(artifact) as wheel:
                return wheel.testzip() is None
        with tarfile.open(artifact) as sdist:
            return bool(sdist.getmembers())
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile):
        return False


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """Have a folder for all workplaces."""
    folder = Path(tempfile.mkdtemp(prefix="hwb-soak-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

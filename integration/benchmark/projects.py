"""What is built: small projects made here, and real ones from the index."""

from __future__ import annotations

import dataclasses
import hashlib
import tarfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from integration.benchmark.running import BenchmarkError
from integration.benchmark.workspace import Workspace
from integration.index import SDISTS, fetch, toml_of, url_of
from integration.projects import setuptools_c, write

TINY = ("flit", "hatchling", "setuptools")
COMPILED = "c-extension"
REAL = ("packaging", "colorama", "requests")
NAMES = (*TINY, COMPILED, *REAL)
TABLE = """\
    [build-system]
    requires = ["{requirement}"]
    build-backend = "{backend}"

    [project]
    name = "demo"
    version = "1.0"
    description = "A demo"
    """


@dataclasses.dataclass(frozen=True)
class Project:
    """A source tree, which nothing is ever built in.

    :param backend: the backend's object, without a path of its own
    """

    name: str
    tree: Path
    requires: tuple[str, ...]
    backend: str


def tiny(requirement: str, backend: str, workspace: Workspace, folder: Path) -> Path:
    """Make a project of one module."""
    _ = workspace
    table = TABLE.format(requirement=requirement, backend=backend)
    return write(folder / "demo", {"pyproject.toml": table, "demo/__init__.py": '"""A demo."""\n'})


def compiled(workspace: Workspace, folder: Path) -> Path:
    """Make a project with an extension in C."""
    _ = workspace
    return setuptools_c(folder)


def real(name: str, workspace: Workspace, folder: Path) -> Path:
    """Fetch an sdist and unpack it."""
    (sdist,) = (sdist for sdist in SDISTS if sdist.name == name)
    folder.mkdir(parents=True)
    archive = folder / "sdist.tar.gz"
    archive.write_bytes(fetch(url_of(sdist, workspace.environment())))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != sdist.sha256:
        raise BenchmarkError(f"the sdist of {name} {sdist.version} on the index is not the one that was pinned")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (tree,) = (path for path in folder.iterdir() if path.is_dir())
    return tree


MAKERS: dict[str, Callable[[Workspace, Path], Path]] = {
    "flit": partial(tiny, "flit_core", "flit_core.buildapi"),
    "hatchling": partial(tiny, "hatchling", "hatchling.build"),
    "setuptools": partial(tiny, "setuptools", "setuptools.build_meta"),
    COMPILED: compiled,
    **{name: partial(real, name) for name in REAL},
}


def made(names: Iterable[str], workspace: Workspace) -> list[Project]:
    """Make the projects of these names."""
    return [read(name, MAKERS[name](workspace, workspace.root / "projects" / name)) for name in names]


def read(name: str, tree: Path) -> Project:
    """Read how a source tree is built."""
    table = toml_of(tree / "pyproject.toml")["build-system"]
    return Project(name, tree, tuple(table["requires"]), table["build-backend"])

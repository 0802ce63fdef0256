from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from cli.screens import Pty
from support import PYPROJECT, LocalProject, Recorder, make_project

from headless_wheel_builder.isolation.store import Store

NOBODY = 65534


class LocalBackend(Protocol):
    def __call__(self, code: str = "", *, pyproject: str = PYPROJECT) -> LocalProject: ...


@pytest.fixture
def local_backend(tmp_path: Path) -> LocalBackend:
    """Make projects with an in-tree backend: the usual hooks, and below them what the test adds."""
    made = iter(range(1000))

    def make(code: str = "", *, pyproject: str = PYPROJECT) -> LocalProject:
        return make_project(tmp_path / f"project{next(made)}", code, pyproject=pyproject)

    return make


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be the folder where temporary ones are made, so that a test sees whether any is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """Give a folder, and run the test as a user that permissions mean something to, even if root runs the tests."""
    is_root = os.getuid() == 0
    # Where temporary folders are, nobody may be allowed to make one.
    folder = Path(tempfile.mkdtemp())
    try:
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, 0)
        yield folder
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700)
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what builds keep in a folder of the test."""
    folder = tmp_path / "hwb-cache"
    monkeypatch.setenv("HWB_CACHE_DIR", os.fspath(folder))
    return folder


@pytest.fixture
def open_pty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Pty]]:
    """Open pseudo terminals of some size, of which the last is our stderr."""
    opened: list[Pty] = []
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)

    def make(columns: int = 80, rows: int = 24) -> Pty:
        opened.append(Pty(columns, rows))
        monkeypatch.setattr(sys, "stderr", opened[-1].stream)
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Be the place of a store."""
    return tmp_path / "cache"


@pytest.fixture
def store(root: Path) -> Store:
    return Store(os.fspath(root))

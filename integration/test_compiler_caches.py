"""An sdist is built at the same place each time, so that a compiler cache knows what it compiled before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from projects import write

SOURCES = 20
SETUP = """\
from setuptools import Extension, setup

setup(ext_modules=[Extension("_demo", ["_demo.c", *(f"part{{number}}.c" for number in range({count}))])])
"""
MODULE = """\
#include <Python.h>
#include <assert.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_demo", NULL, -1, NULL};

PyMODINIT_FUNC PyInit__demo(void) { assert(__FILE__); return PyModule_Create(&module); }
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "demo"
version = "1.0"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    parts = {f"part{number}.c": f"int part{number}(void) {{ return {number}; }}\n" for number in range(SOURCES)}
    files = {"pyproject.toml": PYPROJECT, "setup.py": SETUP.format(count=SOURCES), "_demo.c": MODULE, **parts}
    return write(tmp_path / "demo", files)


class Cache:
    """A compiler that remembers, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        path = shutil.which("ccache")
        assert path, "ccache is missing: install it, as .ci/run does"
        (folder / "tmp").mkdir(parents=True)
        self.program = path
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CCACHE_")},
            "CC": f"{path} {os.environ.get('CC', 'cc')}",
            "CCACHE_DIR": os.fspath(folder / "ccache"),
            "TMPDIR": os.fspath(folder / "tmp"),
        }

    def build(self, source: Path, out: Path, *options: str) -> None:
        argv = [sys.executable, "-m", "headless_wheel_builder", *options, source, "-o", out]
        done = subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=False, cwd=source.parent)
        assert done.returncode == 0, done.stderr

    def counts(self) -> tuple[int, int]:
        """Return the hits and the misses since the last call."""
        argv = [self.program, "--print-stats"]
        text = subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=True).stdout
        numbers = {name: int(count) for name, count in (line.split("\t") for line in text.splitlines())}
        subprocess.run([self.program, "-z"], env=self.environ, capture_output=True, check=True)
        return numbers["direct_cache_hit"] + numbers["preprocessed_cache_hit"], numbers["cache_miss"]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_the_second_build_of_an_unchanged_extension_compiles_nothing(
    project: Path, cache: Cache, tmp_path: Path
) -> None:
    cache.build(project, tmp_path / "first")
    hits, misses = cache.counts()
    assert (hits, misses) == (0, SOURCES + 1)
    cache.build(project, tmp_path / "second")
    hits, misses = cache.counts()
    assert hits / (hits + misses) >= 0.95
    assert list((tmp_path / "tmp").iterdir()) == []


def test_two_builds_of_an_sdist_at_once_do_not_meet(project: Path, cache: Cache, tmp_path: Path) -> None:
    cache.build(project, tmp_path / "first", "-s")
    (sdist,) = (tmp_path / "first").iterdir()
    outs = [tmp_path / "one", tmp_path / "other"]
    threads = [threading.Thread(target=cache.build, args=(sdist, out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(list(out.iterdir())) for out in outs] == [1, 1]
    assert list((tmp_path / "tmp").iterdir()) == []

"""Real source distributions, built by both command lines: same exit code, same artifacts, same members, same content.

Compiled members are compared byte for byte, too. What would differ there is the path of the folder that an sdist is
unpacked to, which debug information holds: so compilers are told to write none (`-g0`). Zip and gzip times are not
compared, and `SOURCE_DATE_EPOCH` is set for whatever a backend writes into its files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from functools import partial
from pathlib import Path

import pytest
from frontends import Frontends, Pair, environment
from index import SDISTS, Sdist, kept

ENVIRONMENT = {"SOURCE_DATE_EPOCH": "1700000000", "CFLAGS": "-g0", "CXXFLAGS": "-g0"}
GIT = ("git", "-c", "user.name=demo", "-c", "user.email=demo@example.invalid", "-c", "init.defaultBranch=main")
DATES = {"GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z"}
EACH = pytest.mark.parametrize("sdist", SDISTS, ids=[f"{sdist.name}-{sdist.version}" for sdist in SDISTS])

ONE_OF_EACH = list({sdist.family: sdist for sdist in SDISTS}.values())


@pytest.fixture
def archive(sdist: Sdist, pytestconfig: pytest.Config) -> Path:
    """Fetch an sdist, or take it from pytest's cache."""
    assert pytestconfig.cache is not None
    return kept(sdist, pytestconfig.cache.mkdir("sdists"), environment())


def copied(archive: Path, root: Path) -> None:
    """Fill a workspace with an sdist."""
    shutil.copy(archive, root)


def unpacked(archive: Path, git: bool, root: Path) -> None:
    """Fill a workspace with a source tree."""
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="data")
    (tree,) = root.iterdir()
    tree.rename(root / "tree")
    if git:
        for command in (("init", "--quiet"), ("add", "--force", "."), ("commit", "--quiet", "--message", "all")):
            subprocess.run([*GIT, *command], cwd=root / "tree", env={**os.environ, **DATES}, check=True)


@EACH
def test_a_wheel_built_from_a_real_sdist_is_the_same(frontends: Frontends, archive: Path) -> None:
    pair = frontends.both(
        partial(copied, archive), archive.name, "-o", "out", cwd=".", env=ENVIRONMENT, theirs_also=("--installer", "uv")
    )
    the_same(pair, artifacts=1)


@EACH
def test_a_real_source_tree_is_built_into_the_same_sdist_and_wheel(
    frontends: Frontends, sdist: Sdist, archive: Path
) -> None:
    make = partial(unpacked, archive, sdist.git)
    pair = frontends.both(make, "tree", "-o", "out", cwd=".", env=ENVIRONMENT, theirs_also=("--installer", "uv"))
    the_same(pair, artifacts=2)


@pytest.mark.parametrize("sdist", ONE_OF_EACH, ids=[sdist.family for sdist in ONE_OF_EACH])
def test_a_wheel_is_the_same_from_an_environment_that_is_new_kept_or_fresh(
    frontends: Frontends, archive: Path, tmp_path: Path
) -> None:
    built = []
    for options in ((), (), ("--fresh-env",)):
        root = tmp_path / "w"
        root.mkdir()
        copied(archive, root)
        env = {**ENVIRONMENT, "HWB_CACHE_DIR": os.fspath(tmp_path / "store")}
        run = frontends.ours(*options, archive.name, "-o", "out", root=root, env=env)
        assert run.exit_code == 0, run.stderr
        built.append(run.contents)
        shutil.rmtree(root)
    assert built[0]
    assert built[0] == built[1] == built[2]


def the_same(pair: Pair, *, artifacts: int) -> None:
    """Check that both built, and built the same."""
    theirs, ours = pair.theirs, pair.ours
    assert (theirs.exit_code, ours.exit_code) == (0, 0), f"{theirs.stderr}\n\n{ours.stderr}"
    assert len(theirs.artifacts) == artifacts
    assert ours.contents == theirs.contents
    assert ours.stdout.splitlines()[-1] == theirs.stdout.splitlines()[-1]
    assert ours.steps == theirs.steps


def test_every_way_of_building_is_represented() -> None:
    assert len(SDISTS) >= 28
    assert {sdist.family for sdist in SDISTS} == {
        "setuptools",
        "setuptools with C",
        "setuptools with Cython",
        "setuptools-scm",
        "hatchling",
        "hatch-vcs",
        "flit",
        "poetry-core",
        "pdm-backend",
        "meson-python",
        "scikit-build-core",
        "in-tree",
        "no pyproject.toml",
    }
    assert all(re.fullmatch("[0-9a-f]{64}", sdist.sha256) for sdist in SDISTS)

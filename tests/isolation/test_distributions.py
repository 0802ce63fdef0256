from __future__ import annotations

import importlib.metadata
import os
import sysconfig
from pathlib import Path

from support import make_distribution

from headless_wheel_builder.isolation.distributions import direct_versions, installed_versions


def test_distributions_are_found_by_their_canonical_names_sorted(tmp_path: Path) -> None:
    for name, version in (("Zope.Interface", "5.0"), ("a_b", "1.0.post1")):
        make_distribution(tmp_path, name, version)
    (tmp_path / "module.py").write_text("")
    (tmp_path / "old.egg-info").mkdir()
    assert list(installed_versions([os.fspath(tmp_path)]).items()) == [("a-b", "1.0.post1"), ("zope-interface", "5.0")]


def test_what_is_broken_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "empty-1.0.dist-info").mkdir()
    (tmp_path / "file-1.0.dist-info").write_text("")
    (tmp_path / "nameless-1.0.dist-info").mkdir()
    (tmp_path / "nameless-1.0.dist-info" / "METADATA").write_text("Version: 1.0\n\nName: not a header\n")
    assert installed_versions([os.fspath(tmp_path)]) == {}


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert installed_versions([os.fspath(tmp_path / "missing")]) == {}


def test_direct_versions_are_those_of_the_requirements(tmp_path: Path) -> None:
    for name in ("asked", "other", "with-extra"):
        make_distribution(tmp_path, name, "1.0")
    requirements = ["Asked >= 1; python_version > '3'", "with_extra[x]", "missing", "missing @ https://x.invalid/y.whl"]
    assert direct_versions(installed_versions([os.fspath(tmp_path)]), requirements) == {
        "asked": "1.0",
        "with-extra": "1.0",
    }


def test_a_real_environment_is_read_as_importlib_reads_it() -> None:
    folder = sysconfig.get_paths()["purelib"]
    theirs = {
        one.metadata["Name"].lower().replace("_", "-"): one.version
        for one in importlib.metadata.distributions(path=[folder])
    }
    assert installed_versions([folder]) == dict(sorted(theirs.items()))

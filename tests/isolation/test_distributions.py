from __future__ import annotations

import errno
import importlib.metadata
import os
import sysconfig
from pathlib import Path

import pytest
from support import make_distribution

from headless_wheel_builder.isolation.distributions import direct_versions, import_names, installed_versions


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


def record(site_packages: Path, distribution: str, *names: str) -> None:
    (site_packages / f"{distribution}.dist-info" / "RECORD").write_text(
        "".join(f"{name},sha256=0,1\n" for name in names)
    )


def test_the_modules_of_a_backend_are_those_of_its_distribution_and_of_all_that_this_requires(tmp_path: Path) -> None:
    make_distribution(tmp_path, "Backend", "1.0", ["helper[x]>=1; python_version > '3'", "missing"])
    make_distribution(tmp_path, "helper", "1.0", ["Deep_One (>=1)", "backend"])
    make_distribution(tmp_path, "deep-one", "1.0")
    make_distribution(tmp_path, "other", "1.0")
    record(tmp_path, "Backend-1.0", "the_backend/__init__.py", "the_backend/core.py", "Backend-1.0.dist-info/METADATA")
    record(tmp_path, "helper-1.0", "helper.py", "_helper.cpython-312-x86_64-linux-gnu.so", "../../../bin/helper")
    record(tmp_path, "deep-one-1.0", "deep/one.py", "deep.pth", "__pycache__/deep.cpython-312.pyc", '"a,b.py"')
    record(tmp_path, "other-1.0", "other.py")
    assert import_names([os.fspath(tmp_path)], "the_backend.core") == ["_helper", "deep", "helper", "the_backend"]


def test_a_module_that_no_distribution_has_has_no_others(tmp_path: Path) -> None:
    make_distribution(tmp_path, "backend", "1.0")
    assert import_names([os.fspath(tmp_path)], "backend") == []
    record(tmp_path, "backend-1.0", "backend.py")
    assert import_names([os.fspath(tmp_path)], "back") == []
    assert import_names([os.fspath(tmp_path / "missing")], "backend") == []


def test_what_the_system_refuses_to_tell_is_no_distribution_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_distribution(tmp_path, "a", "1.0")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        installed_versions([os.fspath(tmp_path)])

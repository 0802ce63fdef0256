from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.core.request import BuildRequest, default_output_dir, is_file_with


@pytest.mark.parametrize("name", ["x-1.tar.gz", "X-1.TAR.GZ", "x-1.Tar.gz"])
def test_a_file_with_the_suffix_is_an_sdist_in_any_case(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert BuildRequest(source=os.fspath(tmp_path / name), output_dir="").from_sdist


@pytest.mark.parametrize("name", ["x-1.zip", "x-1.tgz", "x.whl", "tar.gz"])
def test_another_file_is_no_sdist(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert not BuildRequest(source=os.fspath(tmp_path / name), output_dir="").from_sdist


def test_a_folder_named_like_an_sdist_is_a_source_tree(tmp_path: Path) -> None:
    folder = tmp_path / "x-1.tar.gz"
    folder.mkdir()
    assert not is_file_with(os.fspath(folder), ".tar.gz")
    assert default_output_dir(os.fspath(folder)) == os.path.join(folder, "dist")


def test_a_missing_file_is_no_sdist(tmp_path: Path) -> None:
    assert not is_file_with(os.fspath(tmp_path / "x-1.tar.gz"), ".tar.gz")


@pytest.mark.parametrize("source", [".", "a/b", "/a/b/", ""])
def test_a_source_tree_is_built_into_its_dist_folder_as_written(source: str) -> None:
    assert default_output_dir(source) == os.path.join(source, "dist")


@pytest.mark.parametrize("name", ["x-1.tar.gz", "x-1-py3-none-any.whl"])
def test_from_a_file_artifacts_go_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    assert default_output_dir(name) == os.path.realpath(tmp_path)

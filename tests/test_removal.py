from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Recorder

from headless_wheel_builder.removal import remove_tree

DEEP = 40


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let no more than ten more files be open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 10, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_files")
def test_a_folder_that_is_deeper_than_files_can_be_open_is_removed_and_no_link_is_followed(
    tmp_path: Path, recorder: Recorder
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "folder"
    deepest = folder.joinpath(*"d" * DEEP)
    deepest.mkdir(parents=True)
    for place in (folder, deepest):
        (place / "link").symlink_to(kept)
        (place / "file").touch()
    remove_tree(os.fspath(folder), recorder)
    assert recorder.events == []
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(kept) == ["file"]

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headless_wheel_builder import locks, ownership
from headless_wheel_builder.events import silent
from headless_wheel_builder.ownership import (
    OwnedFolder,
    boot,
    is_made_here,
    own_named,
    own_new,
    owned_folder,
    remove_ownerless,
)

PREFIX = "hwb-test-"
# Makes a folder as a build does, fills it, says where it is, and waits to be killed.
OWNER = """\
import pathlib, sys, time
from headless_wheel_builder.ownership import own_new
owned = own_new(sys.argv[1], sys.argv[2])
(pathlib.Path(owned.path) / "file").touch()
print(owned.path, flush=True)
time.sleep(600)
"""


def abandoned(parent: Path) -> Path:
    """Return a folder whose owner was killed."""
    with subprocess.Popen([sys.executable, "-c", OWNER, parent, PREFIX], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        path = Path(owner.stdout.readline().strip())
        assert path.is_dir()
        remove_ownerless(os.fspath(parent), is_made_here)
        assert (path / "file").exists(), "its owner lived"
        owner.kill()
    return path


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have folders that cannot be locked, as on some network file systems."""

    def refuse(path: str) -> None:
        raise OSError(9, "Bad file descriptor", path)

    monkeypatch.setattr(locks, "folder", refuse)


@pytest.mark.parametrize(
    ("name", "is_made"),
    [
        (".hwb-stage-{boot}-ab_12xyz", True),
        ("hwb-env-{boot}-abcdefgh", True),
        ("hwb-env-abcdefgh", False),
        (".hwb-stage-{other}-abcdefgh", False),
        ("hwb-env-{boot}-abcdefghi", False),
        ("hwb-env-{boot}-abcdefgh.txt", False),
        ("my-hwb-env-{boot}-abcdefgh", False),
        ("{boot}", False),
    ],
)
def test_a_folder_is_known_by_its_name(name: str, is_made: bool) -> None:
    assert is_made_here(name.format(boot=boot(), other=boot()[::-1])) == is_made


def test_a_folder_is_ours_from_its_start_to_its_removal(tmp_path: Path) -> None:
    folder = own_new(os.fspath(tmp_path), PREFIX)
    assert is_made_here(os.path.basename(folder.path))
    Path(folder.path, "file").touch()
    remove_ownerless(os.fspath(tmp_path), is_made_here)
    assert os.listdir(folder.path) == ["file"]
    folder.remove(silent)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_owner_left_is_removed_and_not_before(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    remove_ownerless(os.fspath(tmp_path), is_made_here)
    assert not left.exists()


def test_only_what_is_meant_is_removed(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / f"hwb-test-{boot()}-abcdefgh").touch()
    (tmp_path / f"hwb-test-{boot()}-aaaaaaaa").symlink_to(left)
    remove_ownerless(os.fspath(tmp_path), lambda name: is_made_here(name) and name != left.name)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_touched(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    os.chown(left, 65534, 65534)
    remove_ownerless(os.fspath(tmp_path), is_made_here)
    assert (left / "file").exists()


def test_a_folder_of_another_machine_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = abandoned(tmp_path)
    monkeypatch.setattr(ownership, "boot", lambda: "00000000")
    with owned_folder(os.fspath(tmp_path), PREFIX, silent) as ours:
        assert "-00000000-" in ours
    assert (left / "file").exists()


@pytest.mark.usefixtures("without_locks")
def test_where_folders_cannot_be_locked_nothing_is_removed_but_by_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owned_folder(os.fspath(tmp_path), PREFIX, silent) as folder:
        assert not is_made_here(os.path.basename(folder))
        assert os.listdir(tmp_path) == [os.path.basename(folder)]
        monkeypatch.undo()
        remove_ownerless(os.fspath(tmp_path), is_made_here)
        assert os.path.isdir(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_taken_for_a_left_one_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = locks.folder, []

    def late(path: str) -> locks.Lock | None:
        if not taken:
            taken.append(path)
            os.rmdir(path)
        return lock(path)

    monkeypatch.setattr(locks, "folder", late)
    folder = own_new(os.fspath(tmp_path), PREFIX)
    assert folder.path not in taken
    assert os.listdir(tmp_path) == [os.path.basename(folder.path)]
    folder.remove(silent)


def test_a_name_is_one_owners_at_a_time_and_empty_for_each(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "name")
    Path(path, "left", "by a killed one").mkdir(parents=True)
    first = own_named(path)
    assert isinstance(first, OwnedFolder)
    assert os.listdir(path) == []
    Path(path, "file").touch()
    assert own_named(path) is None
    assert os.listdir(path) == ["file"]
    first.remove(silent)
    second = own_named(path)
    assert second is not None
    second.remove(silent)


def test_what_should_be_rescued_is_seen_before_its_folder_goes(tmp_path: Path) -> None:
    left, seen = abandoned(tmp_path), []
    remove_ownerless(os.fspath(tmp_path), is_made_here, lambda path: seen.extend(os.listdir(path)))
    assert seen == ["file"]
    assert not left.exists()


def test_a_folder_that_is_not_there_has_nothing_that_was_left(tmp_path: Path) -> None:
    remove_ownerless(os.fspath(tmp_path / "nowhere"), is_made_here)

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from headless_wheel_builder import temporary as module
from headless_wheel_builder.errors import RefusedError
from headless_wheel_builder.events import silent
from headless_wheel_builder.ownership import own_new
from headless_wheel_builder.temporary import all_temporary, new_folder, remove, same_folder, temporary_folder

NAME = "0123456789abcdef"


@pytest.fixture
def root(temporary: Path) -> Path:
    return Path(os.path.realpath(temporary), f"hwb-{os.geteuid()}")


def left(path: Path) -> Path:
    """Make what a killed run left."""
    (path / "deep").mkdir(parents=True)
    path.parent.chmod(0o700)
    return path


def left_here(root: Path) -> Path:
    """Make a folder of a new name that a killed run left."""
    root.mkdir(mode=0o700, exist_ok=True)
    owned = own_new(os.fspath(root), "hwb-env-")
    path = owned.path
    owned.remove(silent)
    return left(Path(path))


def test_a_folder_is_in_the_one_of_this_user_and_both_go(temporary: Path, root: Path) -> None:
    with temporary_folder("hwb-env-", silent) as folder:
        assert os.listdir(folder) == []
        assert Path(folder).parent == root
        assert root.stat().st_mode & 0o777 == 0o700
    assert os.listdir(temporary) == []


def test_the_common_folder_stays_as_long_as_anyone_is_in_it(temporary: Path, root: Path) -> None:
    with temporary_folder("hwb-env-", silent) as one:
        with temporary_folder("hwb-env-", silent) as other:
            assert one != other
        assert os.path.isdir(one)
        assert root.is_dir()
    assert os.listdir(temporary) == []


def test_what_killed_runs_left_goes_with_the_next_folder_that_is_made(temporary: Path, root: Path) -> None:
    left(root / NAME)
    left_here(root)
    with temporary_folder("hwb-env-", silent) as folder:
        assert os.listdir(root) == [os.path.basename(folder)]
    assert os.listdir(temporary) == []


def test_what_others_use_stays_when_a_folder_is_made(root: Path) -> None:
    one, other = new_folder("hwb-env-"), same_folder(NAME)
    assert other is not None
    Path(one.path, "file").touch()
    Path(other.path, "file").touch()
    with temporary_folder("hwb-env-", silent):
        assert os.listdir(one.path) == os.listdir(other.path) == ["file"]
    remove(one, silent)
    remove(other, silent)
    assert not root.exists()


def test_what_is_not_ours_by_its_name_stays(root: Path) -> None:
    strange = left(root / "something else")
    with temporary_folder("hwb-env-", silent):
        pass
    assert strange.is_dir()


def test_all_that_is_temporary_is_in_one_folder_for_a_while(temporary: Path, root: Path) -> None:
    before = tempfile.gettempdir()
    with all_temporary(silent):
        inside = Path(tempfile.mkdtemp())
        assert inside.parent.parent == root
        # What is known by its name is so for all runs.
        same = same_folder(NAME)
        assert same is not None
        assert Path(same.path).parent == root
        with temporary_folder("hwb-env-", silent) as folder:
            assert Path(folder).parent == root
        remove(same, silent)
    assert tempfile.gettempdir() == before
    assert os.listdir(temporary) == []


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_common_folder_that_others_can_get_at_is_not_used(temporary: Path, root: Path, mode: int) -> None:
    root.mkdir()
    root.chmod(mode)
    there = root / left_here(root).name
    root.chmod(mode)
    with all_temporary(silent), temporary_folder("hwb-env-", silent) as folder:
        assert Path(folder).parent == temporary.resolve()
        assert Path(tempfile.gettempdir()).parent == temporary.resolve()
    assert same_folder(NAME) is None
    assert there.is_dir()


def test_a_common_folder_that_goes_again_and_again_is_done_without(
    temporary: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        os.rmdir(root)

    monkeypatch.setattr(module, "remove_ownerless", gone)
    with temporary_folder("hwb-env-", silent) as folder:
        assert Path(folder).parent == temporary.resolve()
    assert os.listdir(temporary) == []


def under(umask: int) -> None:
    before = os.umask(umask)
    try:
        new_folder("hwb-env-")
    finally:
        os.umask(before)


def test_a_umask_that_takes_rights_from_the_owner_is_told_and_does_no_harm_later(
    as_nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(as_nobody))
    with pytest.raises(RefusedError) as caught:
        under(0o777)
    assert "umask" in caught.value.cause
    assert caught.value.hint == "Type: umask 022"
    assert os.listdir(as_nobody) == []
    root = Path(os.path.realpath(as_nobody), f"hwb-{os.geteuid()}")
    root.mkdir(mode=0)
    with temporary_folder("hwb-env-", silent) as folder:
        assert Path(folder).parent == root
        assert root.stat().st_mode & 0o777 == 0o700


def test_without_any_folder_for_temporary_files_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(module.tempfile, "gettempdir", none)
    with pytest.raises(RefusedError, match="no folder for temporary files") as caught:
        new_folder("hwb-env-")
    assert "TMPDIR" in caught.value.hint

"""Where the store is, and what is not trusted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from isolation.stores import fill, keep, left, made

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.manifest import describe
from headless_wheel_builder.isolation.store import Store


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "/home/me"}, "/home/me/.cache/headless-wheel-builder"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "/var/me"}, "/var/me/headless-wheel-builder"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": ""}, "/home/me/.cache/headless-wheel-builder"),
        ("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "here"}, "/home/me/.cache/headless-wheel-builder"),
        ("freebsd14", {"HOME": "/home/me"}, "/home/me/.cache/headless-wheel-builder"),
        ("darwin", {"HOME": "/Users/me", "XDG_CACHE_HOME": "/x"}, "/Users/me/Library/Caches/headless-wheel-builder"),
        ("win32", {"LOCALAPPDATA": "/Local", "XDG_CACHE_HOME": "/x"}, "/Local/headless-wheel-builder"),
        ("win32", {"HOME": "/Users/me"}, "/Users/me/AppData/Local/headless-wheel-builder"),
        ("linux", {"HWB_CACHE_DIR": "/chosen", "XDG_CACHE_HOME": "/var/me"}, "/chosen"),
        ("linux", {"HWB_CACHE_DIR": "here"}, "here"),
        ("linux", {"HWB_CACHE_DIR": "", "HOME": "/home/me"}, "/home/me/.cache/headless-wheel-builder"),
    ],
)
def test_the_cache_folder_is_where_the_platform_wants_it(platform: str, environ: dict[str, str], folder: str) -> None:
    assert cache_folder(environ, platform) == folder


def test_a_user_without_a_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(IsolationError, match="There is no cache folder") as raised:
        cache_folder({}, "linux")
    assert "HWB_CACHE_DIR" in raised.value.hint


def test_what_belongs_to_another_user_is_not_used(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store)
    monkeypatch.setattr(os, "geteuid", lambda: root.stat().st_uid + 1)
    assert_unusable(store, "belongs to another user")


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
@pytest.mark.parametrize("folder", ["", "v1", "v1/environments", "v1/answers"])
def test_what_others_may_write_to_is_not_used(store: Store, root: Path, folder: str, mode: int) -> None:
    keep(store)
    (root / folder).chmod(mode)
    assert_unusable(store, "others may write to it")


def test_a_folder_that_others_may_write_to_is_not_used_when_the_store_is_new(store: Store, root: Path) -> None:
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(IsolationError, match="others may write to it"):
        made(store)
    assert left(root) == []


def test_a_store_where_a_file_is_cannot_be_used(store: Store, root: Path) -> None:
    root.touch()
    assert_unusable(store, "cannot be used")


def test_a_store_whose_path_leaves_no_room_for_those_of_files_cannot_be_used(root: Path) -> None:
    folder = root
    while len(os.fspath(folder)) < os.pathconf("/", "PC_PATH_MAX") - 600:
        folder /= "d" * 200
    with pytest.raises(IsolationError, match="cannot be used") as raised:
        made(Store(os.fspath(folder)))
    assert "File name too long" in raised.value.cause
    assert not root.exists()


def test_a_store_that_cannot_be_made_cannot_be_used(as_nobody: Path) -> None:
    as_nobody.chmod(0o500)
    with pytest.raises(IsolationError, match="cannot be used") as raised:
        made(Store(os.fspath(as_nobody / "cache")))
    assert "Permission denied" in raised.value.cause
    assert "HWB_CACHE_DIR" in raised.value.hint


def test_a_store_that_cannot_be_written_to_cannot_be_used(as_nobody: Path) -> None:
    store = Store(os.fspath(as_nobody))
    keep(store)
    (as_nobody / "v1" / "environments").chmod(0o500)
    with pytest.raises(IsolationError, match="cannot be used"):
        made(store, "other")


def assert_unusable(store: Store, message: str) -> None:
    uses: list[Callable[[], object]] = [
        lambda: store.lend("key"),
        lambda: store.make("key", fill),
        lambda: store.recall("question"),
        lambda: store.remember("question", {}),
        store.collect,
    ]
    for use in uses:
        with pytest.raises(IsolationError, match=message) as raised:
            use()
        assert raised.value.cause
        assert raised.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("deep", ["", "lib"])
def test_an_environment_whose_folders_belong_to_another_user_is_not_as_it_was_made(tmp_path: Path, deep: str) -> None:
    folder = tmp_path / "env"
    (folder / "lib").mkdir(parents=True)
    made = describe(os.fspath(folder))
    os.chown(folder / deep, 12345, 12345)
    assert made.difference(os.fspath(folder)) == f"{deep or '.'} was changed"


@pytest.mark.parametrize("how", ["writable", "link", "another's"])
def test_a_shelf_that_others_could_put_there_or_write_to_is_not_used(store: Store, root: Path, how: str) -> None:
    made(store).close()
    (shelf,) = (root / "v1" / "environments").iterdir()
    if how == "link":
        shelf.rename(root / "elsewhere")
        shelf.symlink_to(root / "elsewhere")
    elif how == "writable":
        shelf.chmod(0o720)
    elif os.geteuid() == 0:
        os.chown(shelf, 12345, 12345)
    else:
        pytest.skip("only root can give a folder away")
    with pytest.raises(IsolationError, match="is not used"):
        store.lend("key")
    with pytest.raises(IsolationError, match="is not used"):
        made(store)

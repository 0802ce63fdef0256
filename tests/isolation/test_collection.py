"""What is removed from the store, and what is not."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from isolation.stores import SIZE, heard, is_kept, keep, left, made, other, refuse

from headless_wheel_builder.isolation import collection
from headless_wheel_builder.isolation.shelf import Shelf
from headless_wheel_builder.isolation.store import DAY, Limits, Store
from headless_wheel_builder.process import Cancelled


def collect(root: Path, *, age: float = 30 * DAY, size: int = 10**9) -> None:
    Store(os.fspath(root), limits=Limits(age=age, size=size)).collect()


def test_what_was_not_used_for_thirty_days_is_removed(store: Store) -> None:
    old = keep(store, "old", unused=30 * DAY + 60)
    keep(store, "new", unused=30 * DAY - 60)
    store.collect()
    assert not old.parent.exists()
    assert is_kept(store, "new")
    assert not is_kept(store, "old")


def test_a_store_keeps_five_gigabytes() -> None:
    assert Limits().size == 5_000_000_000


def test_what_was_lent_is_used(store: Store) -> None:
    keep(store, unused=31 * DAY)
    assert is_kept(store, "key")
    store.collect()
    assert is_kept(store, "key")


def test_what_was_used_least_recently_goes_first_until_the_rest_is_small_enough(store: Store, root: Path) -> None:
    for key, unused in {"c": 3.0, "a": 5.0, "d": 2.0, "b": 4.0}.items():
        keep(store, key, unused)
    collect(root, size=2 * SIZE)
    assert [key for key in "abcd" if is_kept(store, key)] == ["c", "d"]


def test_a_store_that_is_small_enough_is_left_alone(store: Store, root: Path) -> None:
    for key in "ab":
        keep(store, key)
    before = left(root)
    collect(root, size=2 * SIZE)
    assert left(root) == before


def test_what_another_process_uses_is_not_removed(store: Store, root: Path) -> None:
    used, free = keep(store, "used"), keep(store, "free")
    with other(root, "loan = store.lend('used')\nsay()") as borrower:
        heard(borrower)
        collect(root, age=-60, size=0)
        assert used.exists()
        assert not free.exists()
        borrower.kill()
        borrower.wait()
    collect(root, age=-60)
    assert left(root) == []


def test_what_is_in_use_takes_the_place_of_something_newer(store: Store, root: Path) -> None:
    for key, unused in {"used": 3.0, "old": 2.0, "new": 1.0}.items():
        keep(store, key, unused)
    with made(store, "used", refuse) as loan:
        os.utime(Path(loan.folder).parent / "manifest", (1, 1))
        collect(root, age=10**12, size=2 * SIZE)
    assert [key for key in ("used", "old", "new") if is_kept(store, key)] == ["used", "new"]


def test_what_is_being_made_is_not_removed(root: Path) -> None:
    with other(root, "store.make('key', fill_slowly)") as maker:
        folder = heard(maker)
        collect(root, age=-60, size=0)
        assert os.listdir(folder) == ["module.py"]


def test_what_a_killed_maker_left_is_removed(store: Store, root: Path) -> None:
    with other(root, "store.make('key', fill_slowly)") as maker:
        heard(maker)
    assert left(root)
    store.collect()
    assert left(root) == []


def test_an_environment_with_a_damaged_manifest_is_removed(store: Store, root: Path) -> None:
    (keep(store).parent / "manifest").write_bytes(b"")
    store.collect()
    assert left(root) == []


def test_rubbish_beside_an_environment_is_removed_when_nobody_uses_it(store: Store) -> None:
    with made(store) as loan:
        shelf = Path(loan.folder).parent
        (shelf / "0123abcd" / "lib").mkdir(parents=True)
        (shelf / "manifest.new").touch()
        (shelf / "link").symlink_to(loan.folder)
        store.collect()
        assert len(list(shelf.iterdir())) == 6
    store.collect()
    assert len(list(shelf.iterdir())) == 3
    with made(store, fill=refuse) as loan:
        assert loan.difference() is None


def test_a_removal_that_was_killed_is_finished(store: Store, root: Path) -> None:
    folder = keep(store)
    code = """
    from headless_wheel_builder import removal
    removal.remove_tree = lambda path, report: say(path)
    Store(root, limits=Limits(size=0)).collect()
    """
    with other(root, code) as collector:
        assert heard(collector) == os.fspath(folder)
    assert store.lend("key") is None
    store.collect()
    assert left(root) == []


def test_what_was_used_meanwhile_is_not_removed(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, unused=31 * DAY)
    state = collection._state  # noqa: SLF001
    monkeypatch.setattr(collection, "_state", lambda shelf: (state(shelf), is_kept(store, "key"))[0])
    collect(root)
    assert is_kept(store, "key")


def test_what_another_process_removed_meanwhile_counts_as_removed(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = keep(store, "old", unused=2.0)
    keep(store, "new", unused=1.0)
    remove = collection._remove  # noqa: SLF001

    def remove_late(shelf: Shelf, known: collection._State) -> bool:
        shutil.rmtree(old.parent)
        return remove(shelf, known)

    monkeypatch.setattr(collection, "_remove", remove_late)
    collect(root, size=SIZE)
    assert is_kept(store, "new")
    assert not old.parent.exists()


def test_collecting_can_be_cancelled(store: Store, root: Path) -> None:
    def cancel() -> None:
        raise Cancelled

    folder = keep(store)
    with pytest.raises(Cancelled):
        Store(os.fspath(root), checkpoint=cancel, limits=Limits(size=0)).collect()
    assert folder.exists()


def test_old_answers_and_drafts_are_removed(store: Store, root: Path) -> None:
    answers = root / "v1" / "answers"
    store.remember("old", {})
    (old,) = answers.iterdir()
    store.remember("new", {})
    (new,) = {*answers.iterdir()} - {old}
    drafts = [answers / "a.json.1.new", answers / "a.json.2.new"]
    for path in drafts:
        path.touch()
    for path, age in {old: 31 * DAY, new: 2 * DAY, drafts[0]: 2 * DAY}.items():
        os.utime(path, (time.time() - age,) * 2)
    store.collect()
    assert store.recall("old") is None
    assert store.recall("new") == {}
    assert [path.exists() for path in drafts] == [False, True]


def test_a_strange_file_in_the_store_is_no_obstacle(store: Store, root: Path) -> None:
    keep(store)
    (root / "v1" / "environments" / ".DS_Store").touch()
    (root / "v1" / "environments" / "folder" / "in it").mkdir(parents=True)
    store.collect()
    assert is_kept(store, "key")

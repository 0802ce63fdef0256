"""A store that cannot be used, or not any more, costs a warning and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from isolation.stores import fill, made
from support import Recorder

from headless_wheel_builder.errors import DependencyError, HeadlessWheelBuilderError, IsolationError
from headless_wheel_builder.events import Explained, Warned
from headless_wheel_builder.isolation import keeper as module
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Limits, Store

USES: dict[str, Callable[[Keeper], object]] = {
    "recall": lambda keeper: keeper.recall("question"),
    "remember": lambda keeper: keeper.remember("question", {}),
    "lend": lambda keeper: keeper.lend("key"),
    "make": lambda keeper: keeper.make("key", fill),
}


def test_a_store_that_works_is_used_in_silence(store: Store, recorder: Recorder) -> None:
    keeper = Keeper(store, recorder)
    loan = keeper.make("key", fill)
    assert loan is not None
    again = keeper.lend("key")
    assert again is not None
    assert again.folder == loan.folder
    keeper.remember("question", {"answer": 1})
    assert keeper.recall("question") == {"answer": 1}
    keeper.close()
    assert recorder.events == []


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_one_that_others_may_write_to_is_warned_of_once_whatever_it_is_used_for(
    store: Store, root: Path, recorder: Recorder, use: Callable[[Keeper], object]
) -> None:
    made(store).close()
    root.chmod(0o777)
    keeper = Keeper(store, recorder)
    for one in (use, *USES.values()):
        assert one(keeper) is None
    keeper.close()
    (said,) = recorder.events
    assert isinstance(said, Warned)
    assert said.message.startswith(f"Environments are not kept: The cache folder {root} is not used: ")
    assert said.message.endswith(f"Type: chmod go-w {root}")


def test_one_that_may_only_be_read_is_warned_of_once(as_nobody: Path, recorder: Recorder) -> None:
    store = Store(os.fspath(as_nobody / "cache"))
    made(store).close()
    for path in sorted(as_nobody.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o500 if path.is_dir() else 0o400)
    keeper = Keeper(store, recorder)
    assert [use(keeper) for use in USES.values()] == [None] * 4
    assert len(recorder.of(Warned)) == 1


def test_what_filling_raises_is_no_fault_of_the_store(store: Store, recorder: Recorder) -> None:
    def refuse(folder: str) -> None:
        raise IsolationError(f"{folder} cannot be filled")

    keeper = Keeper(store, recorder)
    with pytest.raises(IsolationError, match="cannot be filled"):
        keeper.make("key", refuse)
    assert recorder.events == []
    assert keeper.make("key", fill) is not None


def test_a_store_that_breaks_after_filling_is_warned_of(store: Store, root: Path, recorder: Recorder) -> None:
    def fill_and_spoil(folder: str) -> None:
        fill(folder)
        root.chmod(0o777)

    keeper = Keeper(store, recorder)
    assert keeper.make("key", fill_and_spoil) is None
    assert len(recorder.of(Warned)) == 1


def test_one_that_was_changed_and_is_in_use_is_spoken_of(store: Store, recorder: Recorder) -> None:
    with made(store) as loan:
        Path(loan.folder, "more").touch()
        assert Keeper(store, recorder).make("key", fill) is None
    (said,) = recorder.of(Explained)
    assert "was changed, and is in use" in said.message


def test_what_is_not_worth_its_place_goes_only_when_something_was_made(root: Path, recorder: Recorder) -> None:
    store = Store(os.fspath(root), limits=Limits(size=0))
    made(store, "old").close()
    keeper = Keeper(store, recorder)
    keeper.close()
    assert len(list(root.glob("v1/environments/*"))) == 1
    loan = keeper.make("new", fill)
    assert loan is not None
    keeper.close()
    assert len(list(root.glob("v1/environments/*"))) == 1
    assert Path(loan.folder).is_dir()


NO_SPACE = "< error: failed to write: No space left on device (os error 28)"


@pytest.mark.parametrize("kind", [IsolationError, DependencyError])
def test_an_environment_that_there_is_no_room_for_is_not_kept_and_leaves_nothing(
    store: Store, root: Path, recorder: Recorder, kind: type[HeadlessWheelBuilderError]
) -> None:
    def fill_disk(folder: str) -> None:
        fill(folder)
        raise kind("uv failed", cause=NO_SPACE)

    keeper = Keeper(store, recorder)
    assert keeper.make("key", fill_disk) is None
    assert keeper.make("key", fill) is None
    (said,) = recorder.events
    assert isinstance(said, Warned)
    assert said.message.startswith("Environments are not kept: There is no place for one.")
    assert "HWB_CACHE_DIR" in said.message
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_what_fails_for_another_reason_fails_the_build(store: Store, recorder: Recorder) -> None:
    def fail(_: str) -> None:
        raise DependencyError("uv failed", cause="< error: no such version")

    with pytest.raises(DependencyError, match="uv failed"):
        Keeper(store, recorder).make("key", fail)
    assert recorder.events == []


def test_a_folder_in_which_nothing_can_be_made_has_no_room_whatever_the_installer_says(
    store: Store, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise DependencyError("The installer said that it installed it")

    monkeypatch.setattr(module, "full", list)
    assert Keeper(store, recorder).make("key", fail) is None
    assert len(recorder.events) == 1

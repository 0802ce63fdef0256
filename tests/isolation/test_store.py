"""One store, and several processes that share it, some of which are killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from isolation.stores import OTHER, fill, heard, is_kept, keep, left, made, other, refuse, tell

from headless_wheel_builder import exclusion, locks
from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation import shelf
from headless_wheel_builder.isolation import store as store_module
from headless_wheel_builder.isolation.store import Limits, Store
from headless_wheel_builder.process import Cancelled


def test_an_environment_is_made_once_and_lent_as_often_as_wanted(store: Store) -> None:
    with made(store) as loan:
        folder = loan.folder
        assert os.path.isfile(os.path.join(folder, "lib64", "site-packages", "package", "__init__.py"))
    for _ in range(2):
        loan = made(store, fill=refuse)
        again = store.lend("key")
        assert again is not None
        assert loan.folder == again.folder == folder
        assert again.difference() is None
        loan.close()
        again.close()


def test_an_environment_is_filled_where_it_is_lent(store: Store) -> None:
    filled: list[str] = []
    with made(store, fill=filled.append) as loan:
        assert filled == [loan.folder]


def test_nothing_is_made_to_see_that_there_is_nothing(store: Store, root: Path) -> None:
    assert store.lend("key") is None
    assert store.recall("question") is None
    store.collect()
    assert not root.exists()


def test_every_key_has_its_environment(store: Store) -> None:
    keys = ["a", "A", "../a", "", "a\0b", "caf\udce9", "x" * 1000]
    assert len({keep(store, key) for key in keys}) == len(keys)


def test_only_its_user_can_look_into_the_store(store: Store, root: Path) -> None:
    umask = os.umask(0)
    try:
        made(store, fill=[].append).close()
        store.remember("question", {})
    finally:
        os.umask(umask)
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}


def test_a_store_that_was_moved_has_nothing_to_lend(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store)
    root.rename(tmp_path / "moved")
    assert not is_kept(Store(os.fspath(tmp_path / "moved")), "key")


def test_a_store_is_the_same_through_a_symbolic_link(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store)
    (tmp_path / "link").symlink_to(root)
    assert is_kept(Store(os.fspath(tmp_path / "link")), "key")


def test_a_half_made_environment_is_never_seen(store: Store, root: Path) -> None:
    with other(root, "store.make('key', fill_slowly)") as maker:
        half_made = heard(maker)
        assert store.lend("key") is None
        maker.kill()
        maker.wait()
        assert store.lend("key") is None
        with made(store) as loan:
            # The maker's installer may still be writing to where it was.
            assert loan.folder != half_made
            assert loan.difference() is None
        assert not os.path.exists(half_made)


def test_a_maker_killed_before_the_last_step_made_nothing(store: Store, root: Path) -> None:
    die = "os.replace = lambda *names: say(*names)\nstore.make('key', fill)"
    with other(root, die) as maker:
        draft, manifest = heard(maker).split()
    assert Path(draft).exists()
    assert not Path(manifest).exists()
    assert store.lend("key") is None
    made(store).close()
    assert not Path(draft).exists()


def test_of_many_processes_that_make_the_same_environment_one_does(root: Path) -> None:
    code = """
    def fill_once(folder):
        import time
        fill(folder)
        with open(root + ".log", "a") as log:
            log.write("filled\\n")
        time.sleep(0.2)

    say("ready")
    loan = store.make("key", fill_once)
    say(loan.folder, loan.difference())
    """
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(other(root, code)) for _ in range(8)]
        for process in processes:
            assert heard(process) == "ready"
        for process in processes:
            tell(process)
        (answer,) = {heard(process) for process in processes}
    assert answer.endswith(" None")
    assert Path(f"{root}.log").read_text() == "filled\n"


def test_many_processes_share_an_environment(store: Store, root: Path) -> None:
    folder = keep(store)
    code = "loan = store.lend('key')\nsay(loan.folder)"
    with other(root, code) as one, other(root, code) as two, made(store, fill=refuse) as loan:
        assert {heard(one), heard(two), loan.folder} == {os.fspath(folder)}


def test_the_lock_of_a_killed_process_goes_with_it(store: Store, root: Path) -> None:
    folder = keep(store)
    with other(root, "loan = store.lend('key')\nsay()") as borrower:
        heard(borrower)
        (folder / "new").touch()
        assert store.make("key", fill) is None
        borrower.kill()
        borrower.wait()
        made(store).close()


def test_a_changed_environment_is_not_made_anew_while_it_is_used(store: Store, root: Path) -> None:
    folder = keep(store)
    with other(root, "loan = store.lend('key')\nsay()") as borrower:
        heard(borrower)
        (folder / "new").touch()
        assert store.make("key", refuse) is None
        assert (folder / "new").exists()


def test_a_changed_environment_is_made_anew_when_nobody_uses_it(store: Store) -> None:
    folder = keep(store)
    (folder / "new").touch()
    with made(store) as loan:
        assert loan.difference() is None
        assert not os.path.exists(os.path.join(loan.folder, "new"))
    assert os.listdir(folder.parent).count("manifest") == 1
    assert len(os.listdir(folder.parent)) == 3


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 512, b"../key 5\n", b"abc", b"abc x\n", b"\xff" * 99, b"a " + b"9" * 9999]
)
def test_an_environment_with_a_damaged_manifest_is_made_anew(store: Store, content: bytes) -> None:
    folder = keep(store)
    (folder.parent / "manifest").write_bytes(content)
    assert store.lend("key") is None
    with made(store) as loan:
        assert loan.difference() is None


def test_an_environment_with_half_a_manifest_is_made_anew(store: Store) -> None:
    manifest = keep(store).parent / "manifest"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with made(store) as loan:
        assert loan.difference() is None


@pytest.mark.parametrize("error", [OSError("no space"), Cancelled(), KeyboardInterrupt()])
def test_a_failed_fill_leaves_nothing_and_its_error_is_passed_on(
    store: Store, root: Path, error: BaseException
) -> None:
    def fail(folder: str) -> None:
        fill(folder)
        Path(folder).chmod(0o500)
        raise error

    with pytest.raises(type(error)) as raised:
        store.make("key", fail)
    assert raised.value is error
    assert left(root) == []
    made(store).close()


def test_an_environment_that_vanished_while_it_was_filled_is_an_error(store: Store, root: Path) -> None:
    with pytest.raises(IsolationError, match="cannot be used"):
        store.make("key", os.rmdir)
    assert left(root) == []


def test_waiting_for_another_maker_can_be_cancelled(root: Path) -> None:
    calls = iter(range(1000))

    def checkpoint() -> None:
        if next(calls) == 5:
            raise Cancelled

    with other(root, "store.make('key', fill_slowly)") as maker:
        heard(maker)
        with pytest.raises(Cancelled):
            Store(os.fspath(root), checkpoint=checkpoint).make("key", refuse)


def test_whoever_waits_makes_the_environment_when_its_maker_is_killed(root: Path) -> None:
    with other(root, "store.make('key', fill_slowly)") as maker:
        heard(maker)
        waiting = Store(os.fspath(root), checkpoint=maker.kill)
        with made(waiting) as loan:
            assert loan.difference() is None


def test_whoever_looks_after_an_environment_is_waited_for(store: Store, root: Path) -> None:
    keep(store)
    with other(root, "lock = store._shelf('key').take()\nsay()") as collector:
        heard(collector)
        assert store.lend("key") is None
        made(Store(os.fspath(root), checkpoint=collector.kill), fill=refuse).close()


def test_a_loan_is_given_back_once(store: Store) -> None:
    loan = made(store)
    loan.close()
    with open(os.devnull, "rb"):  # gets the descriptor that the lock had
        loan.close()
    assert is_kept(store, "key")


def test_whoever_gets_no_lock_keeps_no_file_open(store: Store, root: Path) -> None:
    with other(root, "store.make('key', fill_slowly)") as maker:
        heard(maker)
        before = len(os.listdir("/dev/fd"))
        assert [store.lend("key") for _ in range(3)] == [None] * 3
        assert len(os.listdir("/dev/fd")) == before


def test_a_program_that_is_started_meanwhile_does_not_keep_the_lock(store: Store, root: Path) -> None:
    with made(store):
        daemon = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        Store(os.fspath(root), limits=Limits(size=0)).collect()
        assert left(root) == []
    finally:
        daemon.kill()
        daemon.wait()


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_no_lock(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store)
    flock = locks.fcntl.flock

    def late(descriptor: int, kind: int) -> None:
        monkeypatch.setattr(locks.fcntl, "flock", flock)
        Store(os.fspath(root), limits=Limits(size=0)).collect()
        flock(descriptor, kind)

    monkeypatch.setattr(locks.fcntl, "flock", late)
    assert store.lend("key") is None
    monkeypatch.setattr(locks.fcntl, "flock", late)
    with made(store) as loan:
        assert loan.difference() is None
        Store(os.fspath(root), limits=Limits(size=0)).collect()
        assert loan.difference() is None


def test_a_lock_on_a_file_that_was_replaced_meanwhile_is_no_lock(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store)
    flock = locks.fcntl.flock

    def late(descriptor: int, kind: int) -> None:
        monkeypatch.setattr(locks.fcntl, "flock", flock)
        Store(os.fspath(root), limits=Limits(size=0)).collect()
        keep(store)
        flock(descriptor, kind)

    monkeypatch.setattr(locks.fcntl, "flock", late)
    loan = store.lend("key")
    assert loan is not None
    Store(os.fspath(root), limits=Limits(size=0)).collect()
    assert loan.difference() is None
    loan.close()


def test_a_shelf_that_is_removed_while_it_is_made_is_made_again(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store)
    exclusive = locks.exclusive

    def late(path: str) -> locks.Lock | None:
        monkeypatch.setattr(locks, "exclusive", exclusive)
        Store(os.fspath(root), limits=Limits(size=0)).collect()
        return exclusive(path)

    monkeypatch.setattr(locks, "exclusive", late)
    made(store).close()


def test_the_hot_path_imports_little(store: Store, root: Path) -> None:
    keep(store)
    store.remember("question", {"answer": 42})
    code = """
    import headless_wheel_builder.errors
    assert store.recall("question") == {"answer": 42}
    with store.lend("key") as loan:
        assert loan.difference() is None
    say(*{"filelock", "tempfile", "shutil", "pathlib", "dataclasses", "subprocess", "threading"} & {*sys.modules})
    """
    argv = [sys.executable, "-I", "-S", "-c"]
    path = f"import sys; sys.path[:0] = {sys.path!r}\n"
    result = subprocess.run(
        [*argv, path + OTHER + textwrap.dedent(code), os.fspath(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert result.stdout == b"\n"


@pytest.fixture
def _without_shared_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as on Windows."""
    monkeypatch.setattr(shelf, "locks", exclusion)
    monkeypatch.setattr(store_module, "SHARING", exclusion.SHARING)


@pytest.mark.usefixtures("_without_shared_locks")
def test_without_shared_locks_one_build_at_a_time_has_the_environment(store: Store) -> None:
    with made(store) as loan:
        assert store.lend("key") is None
        assert store.make("key", refuse) is None
        assert loan.difference() is None
    assert is_kept(store, "key")


@pytest.mark.usefixtures("_without_shared_locks")
def test_without_shared_locks_nothing_is_made_to_see_that_there_is_nothing(store: Store, root: Path) -> None:
    store.remember("question", {})
    before = left(root)
    assert store.lend("key") is None
    assert left(root) == before


@pytest.mark.usefixtures("_without_shared_locks")
def test_without_shared_locks_nothing_in_use_is_removed(store: Store, root: Path) -> None:
    with made(store):
        Store(os.fspath(root), limits=Limits(size=0)).collect()
    assert is_kept(store, "key")
    Store(os.fspath(root), limits=Limits(size=0)).collect()
    assert left(root) == []


@pytest.mark.usefixtures("_without_shared_locks")
def test_without_shared_locks_a_half_made_environment_is_waited_for(store: Store, root: Path) -> None:
    calls = iter(range(1000))

    def checkpoint() -> None:
        if next(calls) == 3:
            raise Cancelled

    def fill_while_another_waits(folder: str) -> None:
        fill(folder)
        with pytest.raises(Cancelled):
            Store(os.fspath(root), checkpoint=checkpoint).make("key", refuse)

    made(store, fill=fill_while_another_waits).close()

"""What is seen of a change to an environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from isolation.stores import made

from headless_wheel_builder.isolation.store import Loan, Store

CODE = "package/__init__.py"


@pytest.fixture
def loan(store: Store) -> Iterator[Loan]:
    def fill(folder: str) -> None:
        package = Path(folder, "package")
        package.mkdir()
        (package / "__init__.py").write_text("one = 1")
        (package / "empty").mkdir()
        (package / "link").symlink_to("__init__.py")
        (package / "broken").symlink_to("nowhere")
        (package / "caf\udce9\n -> .py").touch()
        os.mkfifo(package / "pipe")
        Path(folder, "folder").symlink_to("package")
        Path(folder, "loop").symlink_to(".")

    with made(store, fill=fill) as loan:
        yield loan


def test_an_environment_that_nobody_touched_does_not_differ(loan: Loan) -> None:
    (Path(loan.folder) / CODE).read_text()
    os.listdir(loan.folder)
    assert loan.difference() is None


def test_the_order_in_which_the_system_lists_files_does_not_count(loan: Loan, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def list_in_order(path: str, *, backwards: bool) -> contextlib.nullcontext[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            return contextlib.nullcontext(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    for backwards in (False, True):
        monkeypatch.setattr(os, "scandir", partial(list_in_order, backwards=backwards))
        assert loan.difference() is None


def rewrite(file: Path) -> None:
    file.write_text("two = 2")


def rewrite_at_the_same_time(file: Path) -> None:
    status = file.stat()
    file.write_text("three = 3")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def change_time_a_little(file: Path) -> None:
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def point_elsewhere(link: Path) -> None:
    link.unlink()
    link.symlink_to("empty")


def replace_by_copy(link: Path) -> None:
    link.unlink()
    link.write_text("one = 1")


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def make_executable(file: Path) -> None:
    file.chmod(0o755)


def make_private(file: Path) -> None:
    file.chmod(0o700)


@pytest.mark.parametrize(
    ("path", "change", "what"),
    [
        (CODE, rewrite, "changed"),
        (CODE, rewrite_at_the_same_time, "changed"),
        (CODE, change_time_a_little, "changed"),
        (CODE, make_executable, "changed"),
        (CODE, replace_by_folder, "changed"),
        (CODE, Path.unlink, "removed"),
        ("package/empty", make_private, "changed"),
        ("package/empty", Path.rmdir, "removed"),
        ("package/link", point_elsewhere, "changed"),
        ("package/link", replace_by_copy, "changed"),
        ("package/broken", Path.unlink, "removed"),
        ("package/caf\udce9\n -> .py", Path.unlink, "removed"),
        ("package/pipe", Path.unlink, "removed"),
        ("package/new.py", Path.touch, "added"),
        ("package/empty/new.py", Path.touch, "added"),
        ("new", Path.mkdir, "added"),
        (".new", lambda link: link.symlink_to("/nowhere"), "added"),
        (".", lambda folder: folder.chmod(0o755), "changed"),
    ],
)
def test_a_change_is_seen_and_named(loan: Loan, path: str, change: Callable[[Path], object], what: str) -> None:
    change(Path(loan.folder, path))
    assert loan.difference() == f"{path} was {what}"


def test_of_many_changes_the_first_is_named(loan: Loan) -> None:
    for name in ("z", "folder2", "package/a"):
        Path(loan.folder, name).touch()
    assert loan.difference() == "folder2 was added"


def test_bytecode_does_not_count(loan: Loan) -> None:
    for folder in (Path(loan.folder), Path(loan.folder, "package")):
        (folder / "__pycache__" / "deeper").mkdir(parents=True)
        (folder / "__pycache__" / "module.cpython-312.pyc").touch()
    assert loan.difference() is None


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("package")])
def test_what_is_only_called_like_a_folder_of_bytecode_counts(loan: Loan, make: Callable[[Path], object]) -> None:
    make(Path(loan.folder, "__pycache__"))
    assert loan.difference() == "__pycache__ was added"


def test_an_environment_that_is_gone_differs(loan: Loan) -> None:
    Path(loan.folder).rename(f"{loan.folder}.gone")
    assert loan.difference() == f"{loan.folder} cannot be read"


def test_a_damaged_manifest_is_a_difference(store: Store, loan: Loan) -> None:
    manifest = Path(loan.folder).parent / "manifest"
    manifest.write_bytes(manifest.read_bytes() + b"\0package")
    again = store.lend("key")
    assert again is not None
    assert again.difference() == "its manifest is damaged"
    again.close()

"""Small environments, and other processes that use the same store."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from headless_wheel_builder.isolation.store import Loan, Store

SIZE = 100
# What every other process starts with; it goes on with a step for each line it gets.
OTHER = """
import os, sys
from headless_wheel_builder.isolation.store import Limits, Store

root = sys.argv[1]
store = Store(root)

def say(*what):
    print(*what, flush=True)
    sys.stdin.readline()

def fill(folder):
    with open(os.path.join(folder, "module.py"), "w") as file:
        file.write("#" * 100)

def fill_slowly(folder):
    fill(folder)
    say(folder)
"""


def fill(folder: str) -> None:
    """Make an environment of `SIZE` bytes."""
    site_packages = Path(folder, "lib", "site-packages")
    (site_packages / "package").mkdir(parents=True)
    (site_packages / "empty").mkdir()
    (site_packages / "package" / "__init__.py").write_text("#" * (SIZE - 1))
    (site_packages / "caf\udce9\n.py").write_text("#")
    Path(folder, "lib64").symlink_to("lib")


def refuse(folder: str) -> None:
    raise AssertionError(f"{folder} is filled though there is an environment")


@contextlib.contextmanager
def other(root: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    """Run code in another process, which is killed at the end."""
    argv = [sys.executable, "-c", OTHER + textwrap.dedent(code), os.fspath(root)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the other process failed"
    return line.strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def made(store: Store, key: str = "key", fill: Callable[[str], None] = fill) -> Loan:
    loan = store.make(key, fill)
    assert loan is not None
    return loan


def keep(store: Store, key: str = "key", unused: float = 0.0) -> Path:
    """Make an environment that was used last some seconds ago, and return its folder."""
    with made(store, key) as loan:
        folder = Path(loan.folder)
    last = time.time() - unused
    os.utime(folder.parent / "manifest", (last, last))
    return folder


def is_kept(store: Store, key: str) -> bool:
    loan = store.lend(key)
    if loan is not None:
        loan.close()
    return loan is not None


def left(root: Path) -> list[Path]:
    """Return what there is in the store but its own folders."""
    return sorted(path for path in root.glob("v1/*/**/*") if path.exists())

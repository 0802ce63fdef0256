"""Folders that are locked as long as whoever made them lives, so that later runs know, and remove, what was left.

Some file systems keep locks to one machine. So the name of such a folder tells which boot of which machine it is of,
and no other looks at its lock. Where folders cannot be locked, nothing that is left is ever removed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.removal import remove_tree

if TYPE_CHECKING or sys.platform != "win32":
    from headless_wheel_builder import locks
else:
    from headless_wheel_builder import exclusion as locks


# Letters that `tempfile` adds to a name.
RANDOM: Final = 8


class OwnedFolder:
    """A folder that is ours, by its path without links.

    :param lock: tells others so; None where folders cannot be locked
    """

    def __init__(self, path: str, lock: locks.Lock | None) -> None:
        self.path = path
        self._lock = lock

    def remove(self, report: Reporter) -> None:
        """Remove it with all that is in it, and give it up; say so if something stays."""
        remove_tree(self.path, report)
        if self._lock is not None:
            self._lock.close()


def own_new(parent: str, prefix: str) -> OwnedFolder:
    """Make a folder of a new name.

    :param prefix: lower-case words between hyphens, the last character too
    :raises OSError: it cannot be made
    """
    parent = os.path.realpath(parent)
    while True:
        path = tempfile.mkdtemp(prefix=f"{prefix}{boot()}-", dir=parent)
        try:
            lock = locks.folder(path)
        except FileNotFoundError:
            continue  # taken for one that was left, in the moment before it was locked
        except OSError:
            os.rmdir(path)
            return OwnedFolder(tempfile.mkdtemp(prefix=prefix, dir=parent), None)
        if lock is not None:
            return OwnedFolder(path, lock)


def own_named(path: str) -> OwnedFolder | None:
    """Make a folder, or take and empty what was left of an earlier one; None while anyone has it.

    :raises OSError: it cannot be made, or locked
    """
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        try:
            lock = locks.folder(path)
        except FileNotFoundError:
            continue  # whoever had it removed it just now
        if lock is None or not os.listdir(path):
            return None if lock is None else OwnedFolder(path, lock)
        OwnedFolder(path, lock).remove(silent)
        if os.path.lexists(path):
            return None


@contextlib.contextmanager
def owned_folder(parent: str, prefix: str, report: Reporter) -> Iterator[str]:
    """Have a folder in one that is not ours for the length of a `with` block, and remove those that were left there.

    :param prefix: as `own_new` has it
    :raises OSError: it cannot be made
    """
    remove_ownerless(parent, is_made_here)
    folder = own_new(parent, prefix)
    try:
        yield folder.path
    finally:
        folder.remove(report)


def remove_ownerless(parent: str, is_meant: Callable[[str], bool], rescue: Callable[[str], None] | None = None) -> None:
    """Remove folders of this user that nobody owns any more; what cannot be looked at or removed stays.

    :param is_meant: tells by its name whether a folder is one of those
    :param rescue: is called with the path of each before
    """
    with contextlib.suppress(OSError):
        with os.scandir(parent) as entries:
            found = [entry.path for entry in entries if is_meant(entry.name)]
        for path in found:
            _remove_ownerless(path, rescue)


def _remove_ownerless(path: str, rescue: Callable[[str], None] | None) -> None:
    with contextlib.suppress(OSError):
        lock = locks.folder(path) if is_of_this_user(os.lstat(path)) else None
        if lock is not None:
            with contextlib.closing(lock):
                if rescue is not None:
                    rescue(path)
                remove_tree(path, silent)


def is_made_here(name: str) -> bool:
    """Tell whether a name is one that `own_new` made for a folder that can be locked, since this machine was booted."""
    prefix, _, rest = name.rpartition(f"-{boot()}-")
    return prefix.startswith((".hwb-", "hwb-")) and len(rest) == RANDOM


def is_of_this_user(status: os.stat_result) -> bool:
    """Tell whether it is a folder, not a link to one, and this user's own."""
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or status.st_uid == os.geteuid())


@functools.cache
def boot() -> str:
    """Return eight digits that tell this boot of this machine from others; of the machine alone where none is known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(8)
    except OSError:
        import hashlib
        import platform

        return hashlib.sha256(platform.node().encode()).hexdigest()[:8]

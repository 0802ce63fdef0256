"""The place of one environment in the store, with what belongs to it.

    lock        guards the rest
    manifest    what the environment was made of, and the name of its folder; put there when it is finished. Its time
                tells when the environment was used last; that of a lock file some lock libraries change
    1c45f3d9/   the environment, where it was made

A folder that the manifest does not name is rubbish. Each attempt has a folder of its own: when a maker is killed, an
installer that it started can live on for a moment, and must not write into what the next one makes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from headless_wheel_builder.isolation.cache import check_private
from headless_wheel_builder.isolation.manifest import Manifest, decode, describe

if TYPE_CHECKING or sys.platform != "win32":
    from headless_wheel_builder import locks
else:
    from headless_wheel_builder import exclusion as locks

SHARING = locks.SHARING
Lock = locks.Lock
_LOCK = "lock"
_MANIFEST = "manifest"


class Shelf:
    """The place of one environment.

    :param folder: a folder of the store; it need not be there
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._lock = os.path.join(folder, _LOCK)
        self._manifest = os.path.join(folder, _MANIFEST)

    def share(self) -> Lock | None:
        """Lock the shelf together with others; None when it is not there, or someone has it exclusively.

        :raises IsolationError: someone else could write to it
        """
        self._check()
        return locks.shared(self._lock)

    def take(self) -> Lock | None:
        """Lock the shelf exclusively, and make it if need be; None while anyone else has it.

        :raises IsolationError: someone else could write to it
        """
        while True:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.folder, 0o700)
            self._check()
            with contextlib.suppress(FileNotFoundError):  # someone removed it just now
                return locks.exclusive(self._lock)

    def manifest(self) -> Manifest | None:
        """Return the manifest of a complete environment; only under a lock it stays complete."""
        try:
            with open(self._manifest, "rb") as file:
                return decode(file.read())
        except FileNotFoundError:
            return None

    def environment(self, manifest: Manifest) -> str:
        """Return the folder of a complete environment."""
        return os.path.join(self.folder, manifest.name)

    def touch(self) -> None:
        """Note that the environment is used now; needs a lock."""
        os.utime(self._manifest)

    def used(self) -> float:
        """Return when a complete environment was used last, in seconds since 1970; else 0."""
        try:
            return os.stat(self._manifest).st_mtime
        except FileNotFoundError:
            return 0.0

    def open(self) -> str:
        """Return a new empty folder for an environment; needs the exclusive lock."""
        folder = os.path.join(self.folder, os.urandom(4).hex())
        os.mkdir(folder, 0o700)
        return folder

    def complete(self, folder: str) -> None:
        """Put up the manifest of a finished environment; needs the exclusive lock."""
        # Without fsync: if the power fails, an environment that lost data differs from its manifest.
        draft = f"{self._manifest}.new"
        with open(draft, "wb") as file:
            file.write(describe(folder).encode())
        os.replace(draft, self._manifest)

    def is_tidy(self) -> bool:
        """Tell whether there is nothing but what belongs here."""
        return not self._rubbish()

    def tidy(self) -> None:
        """Remove what killed makers left; needs the exclusive lock."""
        from headless_wheel_builder.events import silent
        from headless_wheel_builder.removal import remove_tree

        for path in self._rubbish():
            if os.path.isdir(path) and not os.path.islink(path):
                remove_tree(path, silent)
            else:
                os.unlink(path)

    def clear(self) -> None:
        """Remove everything but the lock; needs the exclusive lock."""
        # First what makes the environment complete: nobody sees it half removed.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._manifest)
        self.tidy()

    def discard(self, lock: Lock) -> None:
        """Remove everything, and give the exclusive lock back."""
        self.clear()
        lock.remove()
        with contextlib.suppress(OSError):  # someone is about to make it again
            os.rmdir(self.folder)

    def _check(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            check_private(self.folder, os.lstat(self.folder))

    def _rubbish(self) -> list[str]:
        manifest = self.manifest()
        kept = {_LOCK} if manifest is None else {_LOCK, _MANIFEST, manifest.name}
        try:
            return [os.path.join(self.folder, name) for name in os.listdir(self.folder) if name not in kept]
        except FileNotFoundError:
            return []

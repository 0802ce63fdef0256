"""Locks on files that many may share; the kernel takes them back when a process dies, however it dies.

Whoever has a lock exclusively may remove its file, so a lock counts only if its file still bears the name. filelock
tells neither that nor which file it locked, and some of its versions change the file's time or remove it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

SHARING = True


class Lock:
    """A lock that is held until it is closed.

    Programs that are started meanwhile do not inherit it (os.open sees to that): a daemon would keep it.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def remove(self) -> None:
        """Remove the file of an exclusive lock, and give the lock back."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self.close()

    def close(self) -> None:
        """Give the lock back; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def exclusive(path: str) -> Lock | None:
    """Lock a file, which is made if need be; None while anyone else has it.

    :raises OSError: the file cannot be made or locked
    """
    return _lock(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)


def shared(path: str) -> Lock | None:
    """Lock a file together with others who share it; None when there is no file, or someone has it exclusively.

    :raises OSError: the file cannot be locked
    """
    try:
        return _lock(path, os.O_RDWR, fcntl.LOCK_SH)
    except FileNotFoundError:
        return None


def folder(path: str) -> Lock | None:
    """Lock a folder exclusively; None while anyone else has it.

    :raises FileNotFoundError: there is none
    :raises OSError: it cannot be locked
    """
    return _lock(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, fcntl.LOCK_EX)


def _lock(path: str, flags: int, kind: int) -> Lock | None:
    while True:
        descriptor = os.open(path, flags, 0o600)
        is_held = False
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            is_held = _is_at(path, descriptor)
        except BlockingIOError:
            return None
        finally:
            if not is_held:
                os.close(descriptor)
        if is_held:
            return Lock(path, descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False

"""What `locks` is where there is no fcntl: on Windows.

There nothing in the standard library lets many share a lock, so a shared lock is an exclusive one: of two builds that
want the same environment at once, the second does without the store.
"""

from __future__ import annotations

import contextlib
import errno
import os

SHARING = False


class Lock:
    """A lock that is held until it is closed."""

    def __init__(self, path: str) -> None:
        import filelock

        self._path = path
        self._lock = filelock.FileLock(path, timeout=0, thread_local=False)
        self._lock.acquire()

    def remove(self) -> None:
        """Give the lock back, and remove its file unless someone else has it by then."""
        self.close()
        # Windows does not remove what is open anywhere.
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def close(self) -> None:
        """Give the lock back; a second call does nothing."""
        self._lock.release()


def exclusive(path: str) -> Lock | None:
    """Lock a file, which is made if need be; None while anyone else has it.

    :raises OSError: the file cannot be made or locked
    """
    import filelock

    try:
        return Lock(path)
    except filelock.Timeout:
        return None


def shared(path: str) -> Lock | None:
    """Lock a file as `exclusive` does; None too when there is no file.

    :raises OSError: the file cannot be locked
    """
    return exclusive(path) if os.path.exists(path) else None


def folder(path: str) -> Lock | None:
    """Say that folders cannot be locked here.

    :raises OSError: always
    """
    raise OSError(errno.ENOTSUP, "Folders cannot be locked", path)

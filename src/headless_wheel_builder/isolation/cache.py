"""The folder where things are kept between builds: where it is, and whether it is safe to use."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator, Mapping

from headless_wheel_builder.errors import IsolationError

_NAME = "headless-wheel-builder"
_HINT = "Name a folder of your own with HWB_CACHE_DIR."
# Bytes for the paths of files in a folder of a cache.
_INSIDE = 640


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return where this user's things are kept: `$HWB_CACHE_DIR`, else where the platform wants caches.

    :raises IsolationError: the user has no home folder
    """
    if chosen := environ.get("HWB_CACHE_DIR"):
        return chosen
    variable, below_home = {
        "win32": ("LOCALAPPDATA", ("AppData", "Local")),
        "darwin": ("", ("Library", "Caches")),
    }.get(platform, ("XDG_CACHE_HOME", (".cache",)))
    base = environ.get(variable, "")
    # The specification of XDG_CACHE_HOME wants relative paths to be ignored.
    return os.path.join(base if os.path.isabs(base) else os.path.join(_home(environ), *below_home), _NAME)


class Cache:
    """A folder with folders in it, all of which only this user can write to.

    :param folders: each after the one that it is in
    """

    def __init__(self, *folders: str) -> None:
        self._folders = folders

    def exists(self) -> bool:
        """Tell whether all the folders are there.

        :raises IsolationError: someone else could write to one of them
        :raises OSError: one cannot be looked at
        """
        try:
            for folder in self._folders:
                check_private(folder, os.stat(folder))
        except FileNotFoundError:
            return False
        return True

    def make(self) -> None:
        """Make the folders that are not there.

        :raises IsolationError: someone else could write to one of them
        :raises OSError: one cannot be made, or its path is so long that those of files in it may be too long
        """
        if os.name == "posix" and len(os.fsencode(self._folders[-1])) > os.pathconf(os.sep, "PC_PATH_MAX") - _INSIDE:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), self._folders[-1])
        for folder in self._folders:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            check_private(folder, os.stat(folder))

    @contextlib.contextmanager
    def using(self) -> Iterator[None]:
        """Make an error of ours of what the system says in a `with` block.

        :raises IsolationError: there was an OSError
        """
        try:
            yield
        except OSError as error:
            raise IsolationError(
                f"The cache folder {self._folders[0]} cannot be used", cause=f"{error}.", hint=_HINT
            ) from error


def _home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise IsolationError("There is no cache folder", cause="This user has no home folder.", hint=_HINT)
    return home


def check_private(folder: str, status: os.stat_result) -> None:
    """Check that only this user can change what is in a folder.

    :raises IsolationError: someone else could
    """
    if stat.S_ISLNK(status.st_mode):
        raise IsolationError(
            f"The cache folder {folder} is not used: it is a symbolic link",
            cause="It is none of those that are made here.",
            hint=f"Remove it: rm {folder}",
        )
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise IsolationError(
            f"The cache folder {folder} is not used: it belongs to another user",
            cause="Its owner could change what builds run.",
            hint=_HINT,
        )
    if status.st_mode & 0o022:
        raise IsolationError(
            f"The cache folder {folder} is not used: others may write to it",
            cause="They could change what builds run.",
            hint=f"Type: chmod go-w {folder}",
        )

"""Temporary folders. They are in one of this user, so that what killed runs left there is found at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from headless_wheel_builder.errors import RefusedError
from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.ownership import (
    OwnedFolder,
    is_made_here,
    is_of_this_user,
    own_named,
    own_new,
    remove_ownerless,
)

T = TypeVar("T")

# Others may remove their common folder, as they leave it, between two steps of ours.
ATTEMPTS: Final = 5
# Names of folders that are the same for each run have sixteen of these.
HEXADECIMAL: Final = frozenset("0123456789abcdef")
DIGITS: Final = 16


@contextlib.contextmanager
def temporary_folder(prefix: str, report: Reporter) -> Iterator[str]:
    """Have an empty folder, by its path without links, for the length of a `with` block.

    :param prefix: `hwb-`, a word and a hyphen
    """
    folder = new_folder(prefix)
    try:
        yield folder.path
    finally:
        remove(folder, report)


@contextlib.contextmanager
def all_temporary(report: Reporter) -> Iterator[None]:
    """Have whatever is temporary in this process in a folder of its own for the length of a `with` block.

    For a process that is all ours: `tempfile` is the same for all threads.
    """
    with temporary_folder("hwb-run-", report) as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def new_folder(prefix: str) -> OwnedFolder:
    """Make an empty folder, for `remove`.

    :raises RefusedError: what is made here cannot be used
    """
    folder = _in_root(lambda root: own_new(root, prefix)) or own_new(_system_folder(), prefix)
    try:
        os.rmdir(tempfile.mkdtemp(dir=folder.path))
    except OSError as error:
        remove(folder, silent)
        if not isinstance(error, PermissionError):
            raise
        raise RefusedError(
            f"The folder {folder.path}, which was made just now, cannot be used",
            cause="The umask takes the rights to it from its owner.",
            hint="Type: umask 022",
        ) from error
    return folder


def same_folder(name: str) -> OwnedFolder | None:
    """Make an empty folder that is the same for each run, for `remove`; None while another has it, or if it cannot be.

    :param name: 16 hexadecimal digits
    """
    with contextlib.suppress(OSError):
        return _in_root(lambda root: own_named(os.path.join(root, name)))
    return None


def remove(folder: OwnedFolder, report: Reporter) -> None:
    """Remove a folder with all that is in it, and the common one if it was the last there."""
    folder.remove(report)
    parent = os.path.dirname(folder.path)
    if parent == _root():
        with contextlib.suppress(OSError):
            os.rmdir(parent)


def _in_root(make: Callable[[str], T]) -> T | None:
    root = _root()
    for _ in range(ATTEMPTS):
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        with contextlib.suppress(FileNotFoundError):
            if not _is_private(root):
                return None
            os.chmod(root, 0o700)  # whatever the umask was when it was made
            remove_ownerless(root, _is_ours)
            return make(root)
    return None


def _is_ours(name: str) -> bool:
    return is_made_here(name) or (len(name) == DIGITS and HEXADECIMAL.issuperset(name))


def _root() -> str:
    return os.path.join(_system_folder(), _name())


def _name() -> str:
    return f"hwb-{0 if os.name == 'nt' else os.geteuid()}"


def _system_folder() -> str:
    try:
        folder = os.path.realpath(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise RefusedError(
            "There is no folder for temporary files",
            cause=f"{error.strerror}: they are not there, are full, or cannot be written to.",
            hint="Name another one with TMPDIR.",
        ) from error
    if is_made_here(os.path.basename(folder)):
        # The one that `all_temporary` set, in the common folder or where that would be.
        folder = os.path.dirname(folder)
        return os.path.dirname(folder) if os.path.basename(folder) == _name() else folder
    return folder


def _is_private(root: str) -> bool:
    # Its name can be known beforehand: in a folder that all may write to, someone else may have made it.
    status = os.lstat(root)
    return is_of_this_user(status) and (os.name == "nt" or not status.st_mode & 0o077)

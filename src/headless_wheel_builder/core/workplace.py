"""Where an sdist is unpacked and built: the same place each time, so that compiler caches (ccache, sccache) hit."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator

from headless_wheel_builder.events import Reporter
from headless_wheel_builder.locks import Lock, exclusive
from headless_wheel_builder.removal import remove_tree


@contextlib.contextmanager
def workplace(project: str, report: Reporter) -> Iterator[str]:
    """Have an empty temporary folder, with the same path for each build of a project unless two run at once.

    :param project: the path of the source tree or the sdist
    """
    temporary = os.path.realpath(tempfile.gettempdir())
    with _reserved(os.path.join(temporary, f"hwb-{_user()}"), _name(project), report) as reserved:
        folder = reserved or tempfile.mkdtemp(prefix="hwb-sdist-", dir=temporary)
        try:
            yield folder
        finally:
            remove_tree(folder, report)


@contextlib.contextmanager
def _reserved(root: str, name: str, report: Reporter) -> Iterator[str | None]:
    lock = _locked(root, name)
    if lock is None:
        yield None
        return
    try:
        folder = os.path.join(root, name)
        remove_tree(folder, report)  # what a build left that was killed
        os.mkdir(folder, 0o700)
        yield folder
    finally:
        lock.remove()
        with contextlib.suppress(OSError):
            os.rmdir(root)  # not while another build is in it


def _locked(root: str, name: str) -> Lock | None:
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        return exclusive(os.path.join(root, f"{name}.lock")) if _is_ours(root) else None
    except OSError:
        return None  # another build removed the root at this moment, or nothing can be made in it


def _is_ours(root: str) -> bool:
    # Its name can be known beforehand: in a folder that all may write to, someone else may have made it.
    status = os.lstat(root)
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or (status.st_uid, status.st_mode & 0o077) == (_user(), 0))


def _user() -> int:
    return 0 if os.name == "nt" else os.geteuid()


def _name(project: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(project))).hexdigest()[:16]

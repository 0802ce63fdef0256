"""Remove folders, whatever a backend did to them."""

from __future__ import annotations

import contextlib
import os
import shutil

from headless_wheel_builder.events import Reporter, Warned


def remove_tree(path: str, report: Reporter) -> None:
    """Remove a folder with all that is in it; say so if something stays."""
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        # Module caches of Go and others are made of folders that nobody may write to.
        _make_writable(path)
        _remove_one_by_one(path)
    if os.path.lexists(path):
        report(Warned(f"The temporary folder {path} could not be removed"))


def _remove_one_by_one(path: str) -> None:
    # `rmtree` has a file open for each folder on its way down, which may be more than there can be.
    for folder, names, files in os.walk(path, topdown=False):
        for name in (*names, *files):
            _remove_one(os.path.join(folder, name))
    _remove_one(path)


def _remove_one(path: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)


def _make_writable(path: str) -> None:
    _unlock(path)
    for folder, names, _ in os.walk(path):
        for name in names:
            _unlock(os.path.join(folder, name))


def _unlock(folder: str) -> None:
    with contextlib.suppress(OSError):
        if not os.path.islink(folder):
            os.chmod(folder, 0o700)

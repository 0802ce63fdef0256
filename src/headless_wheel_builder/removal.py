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
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        report(Warned(f"The temporary folder {path} could not be removed"))


def _make_writable(path: str) -> None:
    _unlock(path)
    for folder, names, _ in os.walk(path):
        for name in names:
            _unlock(os.path.join(folder, name))


def _unlock(folder: str) -> None:
    with contextlib.suppress(OSError):
        if not os.path.islink(folder):
            os.chmod(folder, 0o700)

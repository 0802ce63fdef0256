"""What must hold whatever comes: only our own errors, nothing written elsewhere, and an end."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hostile.screen import screen_of
from hypothesis import HealthCheck, settings

from headless_wheel_builder.errors import HeadlessWheelBuilderError

# An error is a letter to the user. Whoever is shown a megabyte of somebody's file reads none of it.
LONGEST_ERROR = 20_000
# Calls of a checkpoint: one for each member and each piece of data.
MOST_WORK = 20_000
# What was refused since somebody emptied this, and where.
REFUSALS: Final[list[str]] = []


def bounded(examples: int) -> settings:
    """Return the settings of a test: the same examples on each run, and as long as it takes."""
    return settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck]
    )


class EndlessError(Exception):
    """Say that something went on and on."""


class ElsewhereError(AssertionError):
    """Say that something was written where nothing may be."""


class Work:
    """A checkpoint that counts, and does not let anything go on for ever."""

    def __init__(self) -> None:
        self._done = 0

    def __call__(self) -> None:
        self._done += 1
        if self._done > MOST_WORK:
            raise EndlessError


@contextlib.contextmanager
def only_our_errors() -> Iterator[None]:
    """Let pass the errors that people are meant to see."""
    try:
        yield
    except HeadlessWheelBuilderError as error:
        _check_letter(error)
        REFUSALS.append(f"{type(error).__name__} {_place_of(error)}")


def _check_letter(error: HeadlessWheelBuilderError) -> None:
    assert 0 < len(str(error)) < LONGEST_ERROR, str(error)[:200]
    screen_of(lambda terminal: terminal.error(error.message, error.cause, error.hint)).check()


def _place_of(error: BaseException) -> str:
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{os.path.basename(frame.f_code.co_filename)}:{line}"


@contextlib.contextmanager
def nothing_outside() -> Iterator[Path]:
    """Have a folder to write into, deep in one where everything that gets out of it is seen."""
    with tempfile.TemporaryDirectory() as root:
        place = Path(root, "outside", "more", "inside")
        place.mkdir(parents=True)
        yield place
        found = [path for path in Path(root).rglob("*") if place not in (path, *path.parents)]
        if sorted(path.name for path in found) != ["more", "outside"]:
            raise ElsewhereError(found)


def written(folder: Path) -> int:
    """Return the bytes of all files below a folder, as they would be copied; check that there is nothing odd."""
    size = 0
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode), path
        assert not mode & (stat.S_ISUID | stat.S_ISGID) or stat.S_ISDIR(mode), path
        if stat.S_ISLNK(mode):
            assert folder in Path(os.path.realpath(path)).parents or _is_loop(path), path
        size += path.lstat().st_size if stat.S_ISREG(mode) else 0
    return size


def _is_loop(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return True
    return False

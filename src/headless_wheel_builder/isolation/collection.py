"""Remove from the store what is not worth its place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import NamedTuple

from headless_wheel_builder.isolation.shelf import Shelf


class _State(NamedTuple):
    used: float
    size: int
    is_complete: bool


def collect(folder: str, *, before: float, size: int, checkpoint: Callable[[], None]) -> None:
    """Remove environments that are not worth their place and what killed makers left, but nothing that is in use.

    :param folder: with a shelf for each environment
    :param before: environments that were used last before this time are removed, in seconds since 1970
    :param size: bytes that the environments may have together; those are removed that were not used for longest
    :param checkpoint: called between removals
    :raises OSError: something cannot be looked at or removed
    """
    with os.scandir(folder) as entries:
        shelves = [Shelf(entry.path) for entry in entries if entry.is_dir()]
    states = sorted(((_state(shelf), shelf) for shelf in shelves), key=lambda pair: pair[0].used)
    excess = sum(state.size for state, _ in states) - size
    for state, shelf in states:
        checkpoint()
        if not state.is_complete or state.used < before or excess > 0:
            excess -= state.size if _remove(shelf, state) else 0
        elif not shelf.is_tidy():
            _tidy(shelf)


def _state(shelf: Shelf) -> _State:
    manifest = shelf.manifest()
    return _State(shelf.used(), 0 if manifest is None else manifest.size, is_complete=manifest is not None)


def _remove(shelf: Shelf, known: _State) -> bool:
    """Remove a shelf unless it is in use, or was used or made since it was looked at; tell whether it is removed."""
    lock = shelf.take()
    if lock is None:
        return False
    with contextlib.closing(lock):
        state = _state(shelf)
        is_wanted = state.is_complete and state != known
        if not is_wanted:
            shelf.discard(lock)
    return not is_wanted


def _tidy(shelf: Shelf) -> None:
    lock = shelf.take()
    if lock is not None:
        with contextlib.closing(lock):
            shelf.tidy()

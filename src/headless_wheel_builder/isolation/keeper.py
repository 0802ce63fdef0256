"""The store as a build uses it: one that cannot be used is said aloud once, and the build goes on without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Explained, Reporter, Warned
from headless_wheel_builder.isolation.store import Loan, Store
from headless_wheel_builder.shortage import full, said

T = TypeVar("T")

NO_ROOM: Final = "There is no place for one"
ELSEWHERE: Final = "Make room there, or name another folder with HWB_CACHE_DIR."


class Keeper:
    """Does what the methods of `Store` say, and nothing any more once the store cannot be used."""

    def __init__(self, store: Store, report: Reporter) -> None:
        self._store = store
        self._report = report
        self._is_usable = True
        self._has_made = False

    def recall(self, question: str) -> dict[str, Any] | None:
        """Return the answer that was remembered."""
        return self._try(lambda: self._store.recall(question))

    def remember(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer."""
        self._try(lambda: self._store.remember(question, answer))

    def lend(self, key: str) -> Loan | None:
        """Return a complete environment, None when it cannot be had at once."""
        return self._try(lambda: self._store.lend(key))

    def make(self, key: str, fill: Callable[[str], None]) -> Loan | None:
        """Return an environment, now made if need be; None when it cannot be kept.

        What `fill` raises passes through, unless it is only that there is no room.
        """
        is_filling = False

        def watched(folder: str) -> None:
            nonlocal is_filling
            is_filling = True
            try:
                fill(folder)
            except (IsolationError, DependencyError) as error:
                if _has_no_room(folder, error):
                    is_filling = False
                    raise IsolationError(NO_ROOM, cause=f"It would be in {folder}.", hint=ELSEWHERE) from error
                raise
            is_filling = False
            self._has_made = True

        try:
            return self._made(key, watched) if self._is_usable else None
        except IsolationError as error:
            if is_filling:
                raise
            self._give_up(error)
            return None

    def close(self) -> None:
        """Remove what is not worth its place, if there is something new."""
        if self._has_made:
            self._try(self._store.collect)

    def _made(self, key: str, fill: Callable[[str], None]) -> Loan | None:
        loan = self._store.make(key, fill)
        if loan is None:
            self._report(Explained("The environment is not kept: there is one, but it was changed, and is in use"))
        return loan

    def _try(self, use: Callable[[], T]) -> T | None:
        try:
            return use() if self._is_usable else None
        except IsolationError as error:
            self._give_up(error)
            return None

    def _give_up(self, error: IsolationError) -> None:
        self._is_usable = False
        self._report(not_kept(error))


def _has_no_room(folder: str, error: IsolationError | DependencyError) -> bool:
    short = said(error.cause)
    return (short is not None and short.is_of_place) or bool(full([folder]))


def not_kept(error: IsolationError) -> Warned:
    """Return what is said when there is no store."""
    return Warned(" ".join([f"Environments are not kept: {error.message}.", error.cause, error.hint]).rstrip())

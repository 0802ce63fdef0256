"""Build environments kept between builds: never changed, shared by any number of builds, never seen half made.

    v1/                     so that a newer layout never meets an older one
      environments/<hash>/  a shelf for each environment
      answers/<hash>.json   what was asked before

Nothing here depends on a clean end: locks go with the process that has them, and what is not finished is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from headless_wheel_builder.isolation.answers import Answers
from headless_wheel_builder.isolation.cache import Cache
from headless_wheel_builder.isolation.manifest import Manifest
from headless_wheel_builder.isolation.shelf import SHARING, Lock, Shelf

POLL_SECONDS = 0.05
DAY = 86400.0


class Limits:
    """What a store may keep.

    :param age: seconds that an environment may be unused, or an answer unchanged, before it is removed
    :param size: bytes of all environments; beyond, those are removed that were not used for the longest time
    """

    def __init__(self, age: float = 30 * DAY, size: int = 5 * 10**9) -> None:
        self.age = age
        self.size = size


class Loan:
    """An environment that nobody makes, changes or removes until it is given back."""

    def __init__(self, folder: str, manifest: Manifest, lock: Lock) -> None:
        self.folder = folder
        self._manifest = manifest
        self._lock = lock

    def difference(self) -> str | None:
        """Say in a sentence what is not as it was when the environment was made; None when nothing is."""
        return self._manifest.difference(self.folder)

    def close(self) -> None:
        """Give it back; a second call does nothing."""
        self._lock.close()

    def __enter__(self) -> Loan:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Store:
    """The environments and answers in a cache folder, which is made when something is kept.

    Every method raises `IsolationError` when the folder cannot be used, or when others may write to it.

    :param checkpoint: called often while waiting and between removals; what it raises ends them
    """

    def __init__(
        self, root: str, *, checkpoint: Callable[[], None] = lambda: None, limits: Limits | None = None
    ) -> None:
        root = os.path.realpath(root)
        home = os.path.join(root, "v1")
        self._environments = os.path.join(home, "environments")
        answers = os.path.join(home, "answers")
        self._answers = Answers(answers)
        self._cache = Cache(root, home, self._environments, answers)
        self._checkpoint = checkpoint
        self._limits = limits or Limits()

    def lend(self, key: str) -> Loan | None:
        """Return a complete environment, None when there is none or someone is making or removing it.

        It may have been changed: ask it for its `difference`.
        """
        with self._cache.using():
            return self._lend(self._shelf(key)) if self._cache.exists() else None

    def make(self, key: str, fill: Callable[[str], None]) -> Loan | None:
        """Return an environment that is as it was when it was made, now if need be, or by someone else meanwhile.

        Give back a loan of it first: an environment that was changed is not made anew while anyone uses it.

        :param fill: fills an empty folder; called at most once, unless someone else removes what it made
        :return: None when the environment was changed but is in use
        """
        while True:
            self._checkpoint()
            is_ours = self._make(self._shelf(key), fill)
            loan = self.lend(key)
            if loan is not None:
                if is_ours or loan.difference() is None:
                    return loan
                loan.close()
                return None
            if not (is_ours or SHARING) and self._shelf(key).manifest() is not None:
                return None  # it may be in use as long as a build takes
            time.sleep(POLL_SECONDS)

    def is_inside(self, path: str) -> bool:
        """Tell whether a path is in an environment of the store, by its name."""
        return os.path.normpath(path).startswith(self._environments + os.sep)

    def recall(self, question: str) -> dict[str, Any] | None:
        """Return the answer that was remembered; None when there is none that can be read."""
        with self._cache.using():
            return self._answers.recall(question) if self._cache.exists() else None

    def remember(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer, which JSON can express, instead of an older one."""
        with self._cache.using():
            self._cache.make()
            self._answers.remember(question, answer)

    def collect(self) -> None:
        """Remove what the limits do not allow, and what killed processes left, but nothing that is in use."""
        from headless_wheel_builder.isolation.collection import collect

        now = time.time()
        before = now - self._limits.age
        with self._cache.using():
            if self._cache.exists():
                collect(self._environments, before=before, size=self._limits.size, checkpoint=self._checkpoint)
                self._answers.collect(before, drafts_before=now - DAY)

    def _shelf(self, key: str) -> Shelf:
        # An environment does not work elsewhere: a store that was moved or copied is another one.
        text = f"{self._environments}\0{key}"
        return Shelf(os.path.join(self._environments, hashlib.sha256(os.fsencode(text)).hexdigest()[:24]))

    def _lend(self, shelf: Shelf) -> Loan | None:
        lock = shelf.share()
        if lock is None:
            return None
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(lock.close)
            manifest = shelf.manifest()
            if manifest is None:
                return None
            shelf.touch()
            on_failure.pop_all()
        return Loan(shelf.environment(manifest), manifest, lock)

    def _make(self, shelf: Shelf, fill: Callable[[str], None]) -> bool:
        """See to it that there is an intact environment, unless anyone else has the lock."""
        with self._cache.using():
            self._cache.make()
            lock = shelf.take()
        if lock is None:
            return False
        with contextlib.closing(lock):
            with self._cache.using():
                manifest = shelf.manifest()
            if manifest is None or manifest.difference(shelf.environment(manifest)) is not None:
                self._fill(shelf, lock, fill)
        return True

    def _fill(self, shelf: Shelf, lock: Lock, fill: Callable[[str], None]) -> None:
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(_try_to_discard, shelf, lock)
            with self._cache.using():
                shelf.clear()
                folder = shelf.open()
            fill(folder)
            with self._cache.using():
                shelf.complete(folder)
            on_failure.pop_all()


def _try_to_discard(shelf: Shelf, lock: Lock) -> None:
    # What stays is not complete; it must not hide the error that is on its way.
    with contextlib.suppress(OSError):
        shelf.discard(lock)

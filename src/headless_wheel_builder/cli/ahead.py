"""Remember which hook host a command line wanted, to start it ahead the next time."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.configuration.names import PREFIX
from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import is_possible
from headless_wheel_builder.hooks.headstart import HeadStart, Order
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.store import Store

# Variables that decide what a backend may have while it is imported.
DECIDING: Final = (f"{PREFIX}NETWORK", f"{PREFIX}CLEAN_ENV")


class Ahead:
    """What is known of one command line in the current folder; a context manager that has a host started ahead.

    :param environ: the caller's environment
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.start = HeadStart()
        self._environ = dict(environ)
        self._store: Store | None = None
        if is_possible():
            # Whoever really needs the store, or the folder, says what is wrong with it.
            with contextlib.suppress(IsolationError, OSError):
                decided = [environ.get(name, "") for name in DECIDING]
                self._question = json.dumps(["ahead", sys.executable, os.getcwd(), *decided, *argv])
                self._store = Store(cache_folder(environ))

    def __enter__(self) -> HeadStart:
        if self._store is not None:
            with contextlib.suppress(IsolationError):
                facts = self._store.recall(self._question) or {}
                order = Order.parse(facts, self._environ)
                if order and self._store.is_inside(order.python) and facts.get("settings") == _settings(order):
                    self.start.begin(order)
        return self.start

    def __exit__(self, *_: object) -> None:
        self.start.abandon()
        wanted = None if self.start.is_right else self.start.wanted
        if self._store is not None and wanted is not None:
            with contextlib.suppress(IsolationError):  # the build has warned of it
                facts = {**wanted.facts(self._environ), "settings": _settings(wanted)}
                self._store.remember(self._question, facts)


def _settings(order: Order) -> list[int]:
    # What tells whether the project's table, which decides about that too, may have changed; it is read later.
    try:
        found = os.stat(os.path.join(order.source, "pyproject.toml"))
    except OSError:
        return []
    return [found.st_ino, found.st_mtime_ns, found.st_size]

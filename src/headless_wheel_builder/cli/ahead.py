"""Remember which hook host a command line wanted, to start it ahead the next time."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import is_possible
from headless_wheel_builder.hooks.headstart import HeadStart, Order
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.store import Store

# The key of `--clean-env` in a project's settings.
CLEAN: Final = b"clean-env"


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
                self._question = json.dumps(["ahead", sys.executable, os.getcwd(), *argv])
                self._store = Store(cache_folder(environ))

    def __enter__(self) -> HeadStart:
        if self._store is not None:
            with contextlib.suppress(IsolationError, OSError):
                order = Order.parse(self._store.recall(self._question), self._environ)
                if order is not None and self._store.is_inside(order.python) and not self._may_be_clean(order):
                    self.start.begin(order)
        return self.start

    def _may_be_clean(self, order: Order) -> bool:
        """Tell whether hooks may be kept from most variables since the last build; a host must not have them then."""
        if self._environ.get("HWB_CLEAN_ENV"):
            return True
        try:
            with open(os.path.join(order.source, "pyproject.toml"), "rb") as file:
                return CLEAN in file.read()
        except FileNotFoundError:
            return False

    def __exit__(self, *_: object) -> None:
        self.start.abandon()
        wanted = None if self.start.is_right else self.start.wanted
        if self._store is not None and wanted is not None:
            with contextlib.suppress(IsolationError):  # the build has warned of it
                self._store.remember(self._question, wanted.facts(self._environ))

"""How long tasks took in earlier runs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Store


class Durations:
    """The durations of all projects, in the store."""

    def __init__(self, context: Context) -> None:
        self._keeper: Keeper | None = None
        self._context = context

    def recall(self, name: str, identifiers: Iterable[str]) -> dict[str, float]:
        """Return the seconds that tasks of a project took the last time, of those that are known.

        :param name: of the project
        """
        found: dict[str, float] = {}
        for identifier in identifiers:
            known = self._kept().recall(_question(name, identifier)) or {}
            if isinstance(seconds := known.get("seconds"), float):
                found[identifier] = seconds
        return found

    def remember(self, name: str, identifier: str, seconds: float) -> None:
        """Keep how long a task took."""
        self._kept().remember(_question(name, identifier), {"seconds": float(seconds)})

    def _kept(self) -> Keeper:
        if self._keeper is None:
            self._keeper = Keeper(Store(cache_folder(self._context.environ)), self._context.report)
        return self._keeper


def _question(name: str, identifier: str) -> str:
    return json.dumps(["duration", name, identifier])

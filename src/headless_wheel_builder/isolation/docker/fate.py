"""Why a container has gone: what its engine remembers of its end."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.isolation.docker.reasons import said
from headless_wheel_builder.values import value

# Longer than a build takes; engines remember a few hundred events.
LONGEST: Final = 24 * 60 * 60
MEMORY_HINT: Final = "Give it more with --memory, or have it do less at once with --cpus."


@value
class Fate:
    """Why a container has gone, and what to do."""

    cause: str
    hint: str


def out_of_memory(limit: int | None) -> Fate:
    """Return what is said of a container that used too much memory.

    :param limit: in bytes; None if only the machine has one
    """
    what = "as much as the engine's machine has" if limit is None else f"its limit of {limit / 1024**2:g} MiB"
    return Fate(f"The container reached {what}: the system killed a process in it.", MEMORY_HINT)


def fate(engine: Engine, container: Container, limit: int | None) -> Fate:
    """Ask why a container has gone."""
    try:
        events = _events(engine, container)
    except ERRORS as error:
        return Fate(f"The engine does not answer any more: {said(error)}.", "Was it stopped? Start it again.")
    actions = {str(event.get("Action") or event.get("status")): event for event in events}
    if "oom" in actions:
        return out_of_memory(limit)
    if "kill" in actions or "stop" in actions:
        return Fate("Somebody killed or stopped the container.", "Build again.")
    code = actions.get("die", {}).get("Actor", {}).get("Attributes", {}).get("exitCode", "unknown")
    return Fate(f"Its main process ended with status {code}.", "Was it killed, or the machine out of memory?")


def _events(engine: Engine, container: Container) -> list[dict[str, Any]]:
    # The engine's clock, which may be another machine's.
    now = _seconds(str(engine.api.info()["SystemTime"]))
    return list(
        engine.api.events(since=now - LONGEST, until=now + 1, filters={"container": [container.id]}, decode=True)
    )


def _seconds(text: str) -> int:
    # Engines write nanoseconds, which Python 3.10 does not read.
    return int(dt.datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00")).timestamp())

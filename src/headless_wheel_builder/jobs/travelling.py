"""Events as plain data, for those who are told of a job that is done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from headless_wheel_builder.events import Event

KINDS: Final[dict[str, type]] = {kind.__name__: kind for kind in get_args(Event)}


def packed(event: Event) -> dict[str, Any]:
    """Return an event as values that JSON can express."""
    facts = {name: dict(one) if isinstance(one, Mapping) else one for name, one in vars(event).items()}
    return {"event": type(event).__name__, "facts": facts}


def unpacked(packed_event: dict[str, Any]) -> Event | None:
    """Return what `packed` made of an event; None for one that is not known here."""
    kind = KINDS.get(str(packed_event.get("event")))
    if kind is None:
        return None
    facts = {name: tuple(one) if isinstance(one, list) else one for name, one in packed_event["facts"].items()}
    event: Event = kind(**facts)
    return event

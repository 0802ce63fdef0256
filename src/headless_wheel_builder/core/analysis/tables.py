"""Tables of TOML, in which anything may be of the wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table(value: object, *keys: str) -> Mapping[str, Any]:
    """Return a table that is in others; empty where there is none."""
    found = at(value, *keys)
    return found if isinstance(found, dict) else {}


def at(value: object, *keys: str) -> Any:
    """Return what is in a table of tables; None where there is nothing."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def text(value: object, *keys: str) -> str:
    """Return a text that is in a table; empty where there is none."""
    found = at(value, *keys)
    return found if isinstance(found, str) else ""


def texts(value: object, *keys: str) -> tuple[str, ...]:
    """Return the texts of an array that is in a table."""
    found = at(value, *keys)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def tables(value: object, *keys: str) -> list[Mapping[str, Any]]:
    """Return the tables of an array that is in a table."""
    found = at(value, *keys)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

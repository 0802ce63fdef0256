"""What a host may say. A backend that finds its channel can say anything, and is held to this."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from headless_wheel_builder.hooks.channel import Frame

Rule: TypeAlias = Callable[[Any], bool]

MOST_PIDS: Final = 2**31
MOST_NAMES: Final = 10_000


def _is_number(found: Any) -> bool:
    return type(found) is int and -MOST_PIDS < found < MOST_PIDS


def _is_text(found: Any) -> bool:
    return isinstance(found, str)


def _are_files(found: Any) -> bool:
    return isinstance(found, dict) and all(map(_is_text, found.values()))


# What tells a frame from others, and what else may be in it.
_KINDS: Final[Mapping[str, Mapping[str, Rule]]] = {
    "ready": {"ready": lambda found: found is True},
    "unsafe": {"unsafe": _is_text},
    "started": {"started": lambda found: _is_number(found) and found > 1},
    "ended": {"ended": _is_number, "files": _are_files},
}


def expected(frame: Frame | None, *kinds: str) -> Frame | None:
    """Return a frame if it is one of these kinds, and has what that has; None for any other."""
    kind = next((kind for kind in kinds if frame is not None and kind in frame), None)
    if frame is None or kind is None:
        return None
    rules = _KINDS[kind]
    return frame if all(name in rules and rules[name](found) for name, found in frame.items()) else None


def module_names(text: str) -> list[str]:
    """Return the names of modules that a hook reports as JSON; none if it reports anything else."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return []
    is_list = isinstance(names, list) and len(names) <= MOST_NAMES
    return names if is_list and all(map(_is_module, names)) else []


def _is_module(name: object) -> bool:
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))

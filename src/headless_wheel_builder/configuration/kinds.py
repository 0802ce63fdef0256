"""What the value of a setting may be, and how it is written in a variable."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.configuration.problems import Problems
from headless_wheel_builder.sizes import parse_size
from headless_wheel_builder.values import value

WORDS: Final = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@value
class Kind:
    """One kind of values.

    :param read: takes what TOML gave and its path, and returns the value; notes what is wrong with it
    :param parse: returns what the text of a variable would be in TOML, or the text itself if it is nothing of the kind
    """

    read: Callable[[Any, str, Problems], Any]
    parse: Callable[[str], object] = str


def text(expected: str = "a string that is not empty") -> Kind:
    """Be any text."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if not isinstance(found, str) or not found.strip():
            problems.unexpected(path, found, expected)
        return found

    return Kind(read)


def choice(*names: str) -> Kind:
    """Be one of a closed set."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if found not in names:
            problems.unexpected(path, found, one_of(names))
        return found

    return Kind(read)


def several(item: Kind, *, least: int = 0) -> Kind:
    """Be a list of texts, or one of them.

    :param least: how many there have to be
    """

    def read(found: Any, path: str, problems: Problems) -> Any:
        if isinstance(found, str):
            return (item.read(found, path, problems),)
        if not isinstance(found, list) or len(found) < least:
            more = " that is not empty" if least else ""
            problems.unexpected(path, found, f"a string, or a list of strings{more}")
            return None
        return tuple(item.read(one, f"{path}[{index}]", problems) for index, one in enumerate(found))

    return Kind(read, _comma_separated)


def flag() -> Kind:
    """Be true or false."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if not isinstance(found, bool):
            problems.unexpected(path, found, "true or false")
        return found

    return Kind(read, lambda found: WORDS.get(found.strip().lower(), found))


def number() -> Kind:
    """Be a number above 0."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < math.inf:
            problems.unexpected(path, found, "a number above 0")
            return None
        return float(found)

    return Kind(read, lambda found: _number(found, float))


def count() -> Kind:
    """Be a whole number above 0."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            problems.unexpected(path, found, "a whole number above 0")
        return found

    return Kind(read, lambda found: _number(found, int))


def size() -> Kind:
    """Be a number of bytes, or a text like `10GB`."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        try:
            return parse_size(str(found) if type(found) is int else found)
        except (TypeError, ValueError):
            problems.unexpected(path, found, 'a number of bytes above 0, or a string like "10GB"')
            return None

    return Kind(read)


def mount() -> Kind:
    """Be a folder or volume of the engine's machine, and where it is in containers."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        host, _, inside = found.partition(":") if isinstance(found, str) else ("", "", "")
        if not host or not inside.startswith("/"):
            problems.unexpected(path, found, '"HOST:CONTAINER" with the whole path in the container')
        return found

    return Kind(read)


def variables() -> Kind:
    """Be a table of environment variables."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if not isinstance(found, Mapping):
            # It may be a token, as may be what one of them is.
            problems.add(path, "expected a table of strings")
            return None
        for name, content in found.items():
            if not name or "=" in name or any(letter.isspace() for letter in name):
                problems.unexpected(path, name, "the name of a variable")
            if not isinstance(content, str):
                problems.add(f"{path}.{name}", "expected a string")
        return dict(found)

    return Kind(read, _json)


def settings() -> Kind:
    """Be a table of settings for a backend."""

    def read(found: Any, path: str, problems: Problems) -> Any:
        if not isinstance(found, Mapping):
            problems.unexpected(path, found, "a table of strings and lists of strings")
            return None
        for name, content in found.items():
            items = content if isinstance(content, list) else [content]
            if not all(isinstance(item, str) for item in items):
                problems.unexpected(f"{path}.{name}", content, "a string or a list of strings")
        return dict(found)

    return Kind(read, _json)


def one_of(names: Sequence[str]) -> str:
    """Return a closed set as sentences have it."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _comma_separated(found: str) -> object:
    return [part.strip() for part in found.split(",") if part.strip()]


def _number(found: str, kind: Callable[[str], object]) -> object:
    try:
        return kind(found)
    except ValueError:
        return found


def _json(found: str) -> object:
    try:
        return json.loads(found)
    except (ValueError, RecursionError):
        return found

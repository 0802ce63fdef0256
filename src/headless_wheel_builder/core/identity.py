"""Which project and version an archive says it is, in its metadata and in its names."""

from __future__ import annotations

import re

from headless_wheel_builder.core.names import is_name, same_name, same_version
from headless_wheel_builder.values import value


@value
class Identity:
    """The Name and the Version of core metadata, as written there."""

    name: str
    version: str


def read_headers(data: bytes) -> dict[str, list[str]]:
    """Return the headers of METADATA, PKG-INFO or WHEEL by their lower-case names."""
    # Not by `email`: it takes longer to import than a build's own work, and would decode what is not read here.
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in re.split("\r\n|\r|\n", data.decode("utf-8", "replace")):
        key, colon, rest = line.partition(":")
        if line[:1] in {" ", "\t"} and values:
            values[-1] = f"{values[-1]} {line.strip()}".strip()
        elif colon and key.split() == [key]:
            values = found.setdefault(key.lower(), [])
            values.append(rest.strip())
        else:
            break  # the description follows
    return found


def read_identity(data: bytes) -> Identity:
    """Read METADATA or PKG-INFO.

    :raises ValueError: there is not exactly one valid Name and one Version
    """
    headers = read_headers(data)
    name, version = (_only(headers, field) for field in ("Name", "Version"))
    if not is_name(name):
        raise ValueError(f"name is invalid: {name!r}")
    return Identity(name, version)


def _only(headers: dict[str, list[str]], field: str) -> str:
    values = [value for value in headers.get(field.lower(), []) if value]
    if len(values) != 1:
        raise ValueError(f"it must have exactly one {field}, and has {len(values)}")
    return values[0]


def stands_for(stem: str, identity: Identity) -> bool:
    """Whether `<name>-<version>` is this project and version, in any spelling.

    Both may contain dashes, as in `zope-interface-1.0-1`, so every dash may be the one between them.
    """
    splits = ((stem[:at], stem[at + 1 :]) for at, character in enumerate(stem) if character == "-")
    return any(same_name(name, identity.name) and same_version(version, identity.version) for name, version in splits)

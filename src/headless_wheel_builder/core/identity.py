"""Which project and version an archive says it is, in its metadata and in its names."""

from __future__ import annotations

import re
from typing import Final

from headless_wheel_builder.core.archive_names import shown
from headless_wheel_builder.core.names import is_name, same_name, same_version
from headless_wheel_builder.values import value

# Old metadata has the description as one header of many lines.
MAX_LINES: Final = 200_000
LINE: Final = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|$)")


@value
class Identity:
    """The Name and the Version of core metadata, as written there."""

    name: str
    version: str


def read_headers(data: bytes) -> dict[str, list[str]]:
    """Return the headers of METADATA, PKG-INFO or WHEEL by their lower-case names.

    :raises ValueError: there are more lines of them than anybody writes
    """
    # Not by `email`: it takes longer to import than a build's own work, and would decode what is not read here.
    found: dict[str, list[list[str]]] = {}
    lines: list[str] = []
    for number, (line,) in enumerate(match.groups() for match in LINE.finditer(data.decode("utf-8", "replace"))):
        if number >= MAX_LINES:
            raise ValueError(f"it has more than {MAX_LINES} lines of headers")
        key, colon, rest = line.partition(":")
        if line[:1] in {" ", "\t"} and found:
            lines.append(line.strip())
        elif colon and key.split() == [key]:
            lines = [rest.strip()]
            found.setdefault(key.lower(), []).append(lines)
        else:
            break  # the description follows
    return {key: [" ".join(filter(None, lines)) for lines in values] for key, values in found.items()}


def read_identity(data: bytes) -> Identity:
    """Read METADATA or PKG-INFO.

    :raises ValueError: there is not exactly one valid Name and one Version
    """
    headers = read_headers(data)
    name, version = (_only(headers, field) for field in ("Name", "Version"))
    if not is_name(name):
        raise ValueError(f"name is invalid: {shown(name)}")
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

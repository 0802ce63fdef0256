"""Which project and version an archive says it is, in its metadata and in its names."""

from __future__ import annotations

import re

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import Version

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
    try:
        canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise ValueError(str(error)) from None
    return Identity(name, version)


def _only(headers: dict[str, list[str]], field: str) -> str:
    values = [value for value in headers.get(field.lower(), []) if value]
    if len(values) != 1:
        raise ValueError(f"it must have exactly one {field}, and has {len(values)}")
    return values[0]


def parsed_version(version: str) -> Version | None:
    """Parse a version, or return None where PEP 440 does not know it."""
    try:
        return Version(version)
    except ValueError:  # InvalidVersion, and what int() says to thousands of digits
        return None


def same_name(one: str, other: str) -> bool:
    """Whether two spellings mean one project (PEP 503)."""
    return canonicalize_name(one) == canonicalize_name(other)


def same_version(one: str, other: str) -> bool:
    """Whether two spellings mean one version (PEP 440); literally, where one of them is not a version."""
    parsed = parsed_version(one), parsed_version(other)
    return one == other if None in parsed else parsed[0] == parsed[1]


def stands_for(stem: str, identity: Identity) -> bool:
    """Whether `<name>-<version>` is this project and version, in any spelling.

    Both may contain dashes, as in `zope-interface-1.0-1`, so every dash may be the one between them.
    """
    splits = ((stem[:at], stem[at + 1 :]) for at, character in enumerate(stem) if character == "-")
    return any(same_name(name, identity.name) and same_version(version, identity.version) for name, version in splits)


def normal_stem(name: str, version: Version) -> str:
    """Return `<name>-<version>` as PEP 427 and PEP 625 want it in the names of files and folders."""
    return f"{canonicalize_name(name).replace('-', '_')}-{version}"

"""Names and versions of projects, and the names of their archives.

Most have a form that leaves no doubt; only of others packaging is asked, which takes longer to import than all that is
done here with it.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.isolation.distributions import canonical
from headless_wheel_builder.values import value

if TYPE_CHECKING:
    from packaging.version import Version

# Of one file. Real wheels have a dozen; of three lists of a few kilobytes, the product fills all memory.
MAX_TAGS: Final = 10_000

_RELEASE: Final = r"(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){0,9}"
_NAME: Final = r"[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)*"
_TAGS: Final = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*(?:-[a-z0-9_]+(?:\.[a-z0-9_]+)*){2}"


@value
class WheelName:
    """What the file name of a wheel says.

    :param name: as PEP 503 normalises it
    :param version: as PEP 440 normalises it
    :param tags: expanded
    """

    name: str
    version: str
    tags: frozenset[str]


def wheel_name(file_name: str) -> WheelName:
    """Read the file name of a wheel.

    :raises ValueError: it is not one (PEP 427)
    """
    plain = re.fullmatch(rf"({_NAME})-({_RELEASE})-({_TAGS})\.whl", file_name, re.ASCII)
    if plain:
        return WheelName(canonical(plain[1]), plain[2], _product(plain[3]))
    _check_tags(file_name)
    from packaging.utils import parse_wheel_filename

    name, version, _, tags = parse_wheel_filename(file_name)
    return WheelName(name, str(version), frozenset(map(str, tags)))


def sdist_version(file_name: str) -> str:
    """Return the version, as PEP 440 normalises it, in the file name of an sdist.

    :raises ValueError: there is none
    """
    plain = re.fullmatch(rf"{_NAME}-({_RELEASE})\.tar\.gz", file_name, re.ASCII)
    if plain:
        return plain[1]
    from packaging.utils import parse_sdist_filename

    return str(parse_sdist_filename(file_name)[1])


def expanded(tag: str) -> frozenset[str]:
    """Return the tags that a compressed one (PEP 425) stands for.

    :raises ValueError: it is none
    """
    if re.fullmatch(_TAGS, tag, re.ASCII):
        return _product(tag)
    _check_tags(tag)
    from packaging.tags import parse_tag

    return frozenset(map(str, parse_tag(tag)))


def is_name(name: str) -> bool:
    """Tell whether a project can have a name (core metadata)."""
    return re.fullmatch(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]", name) is not None


def is_version(text: str) -> bool:
    """Tell whether PEP 440 knows a version."""
    return _is_plain(text) or _parsed(text) is not None


def same_name(one: str, other: str) -> bool:
    """Whether two spellings mean one project (PEP 503)."""
    return canonical(one) == canonical(other)


def same_version(one: str, other: str) -> bool:
    """Whether two spellings mean one version (PEP 440); literally, where one of them is not a version."""
    if _is_plain(one) and _is_plain(other):
        return re.sub(r"(?:\.0)+$", "", one) == re.sub(r"(?:\.0)+$", "", other)
    parsed = _parsed(one), _parsed(other)
    return one == other if None in parsed else parsed[0] == parsed[1]


def normal_stem(name: str, version: str) -> str:
    """Return `<name>-<version>` as PEP 427 and PEP 625 want it in the names of files and folders.

    :param version: normalised
    """
    return f"{canonical(name).replace('-', '_')}-{version}"


def _check_tags(tag: str) -> None:
    if math.prod(part.count(".") + 1 for part in tag.split("-")[-3:]) > MAX_TAGS:
        raise ValueError(f"it stands for more than {MAX_TAGS} tags")


def _product(tag: str) -> frozenset[str]:
    _check_tags(tag)
    return frozenset(map("-".join, itertools.product(*(part.split(".") for part in tag.split("-")))))


def _is_plain(version: str) -> bool:
    return re.fullmatch(_RELEASE, version, re.ASCII) is not None


def _parsed(version: str) -> Version | None:
    from packaging.version import Version

    try:
        return Version(version)
    except ValueError:  # InvalidVersion, and what int() says to thousands of digits
        return None

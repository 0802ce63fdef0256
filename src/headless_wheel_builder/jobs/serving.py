"""Which targets a wheel serves besides the one that it was built for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headless_wheel_builder.isolation.target import Target

if TYPE_CHECKING:
    from packaging.tags import Tag


def serves(tags: Iterable[str], target: Target) -> bool:
    """Tell whether a wheel can be installed for a target (PEP 425).

    :param tags: those of the wheel, as `cp39-abi3-manylinux_2_17_x86_64`
    """
    return not frozenset(tags).isdisjoint(map(str, _supported(target)))


def is_pure(tags: Iterable[str]) -> bool:
    """Tell whether a wheel has nothing of a platform."""
    return all(tag.endswith("-none-any") for tag in tags)


def _supported(target: Target) -> Iterator[Tag]:
    from packaging.tags import compatible_tags, cpython_tags

    version = target.version[:2]
    if target.implementation == "cpython":
        abi = f"cp{version[0]}{version[1]}{'t' if target.free_threaded else ''}"
        yield from cpython_tags(version, abis=[abi], platforms=target.platforms)
        interpreter = f"cp{version[0]}{version[1]}"
    else:
        # What only the interpreter itself could say, the tag of its ABI, is never that of another target.
        interpreter = target.interpreter
    yield from compatible_tags(version, interpreter=interpreter, platforms=target.platforms)

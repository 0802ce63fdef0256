"""Requirements as PEP 508 writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from headless_wheel_builder.errors import DependencyError

# A name, and versions whose form leaves no doubt. Most requirements are so plain that packaging, which takes longer to
# import than all that is done here with it, need not look at them.
_VERSION: Final = r"\s*(?:(?:==|!=|<=|>=|<|>)\s*\d+|~=\s*\d+\.\d+)(?:\.\d+)*\s*"
_PLAIN: Final = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:{_VERSION}(?:,{_VERSION})*)?", re.ASCII)
_ENDLESS: Final = re.compile(r"\d{1000}")


def find_invalid(requirements: Iterable[str]) -> tuple[str, str] | None:
    """Return the first of the texts that is not a requirement, and why; None if all are."""
    unclear = []
    for requirement in requirements:
        # int() refuses them, wherever a version is looked at first.
        if _ENDLESS.search(requirement):
            return requirement, "It has a number without end."
        if not _PLAIN.fullmatch(requirement):
            unclear.append(requirement)
    if not unclear:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    for requirement in unclear:
        try:
            url = Requirement(requirement).url
            requirement.encode()
        except InvalidRequirement as error:
            return requirement, str(error)
        except UnicodeEncodeError:
            return requirement, "It has characters that cannot be written to a file."
        except RecursionError:
            return requirement, "It has brackets without end."
        # packaging lets be what ends a line for pip, which would read the rest as another requirement, or as an option.
        if url is not None and not url.isprintable():
            return requirement, "Its URL has characters that cannot be printed."
    return None


def check_requirements(requirements: Iterable[str]) -> None:
    """Check that all of the texts are requirements.

    :raises DependencyError: one is not
    """
    if invalid := find_invalid(requirements):
        requirement, reason = invalid
        raise DependencyError(
            f"{requirement!r} is not a requirement (PEP 508)",
            cause=reason,
            hint='Write a name and versions, for example: "setuptools >= 61"',
        )

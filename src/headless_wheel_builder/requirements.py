"""Requirements as PEP 508 writes them."""

from __future__ import annotations

from collections.abc import Iterable


def find_invalid(requirements: Iterable[str]) -> tuple[str, str] | None:
    """Return the first of the texts that is not a requirement, and why; None if all are."""
    from packaging.requirements import InvalidRequirement, Requirement

    for requirement in requirements:
        try:
            Requirement(requirement)
        except InvalidRequirement as error:
            return requirement, str(error)
    return None

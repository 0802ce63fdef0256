"""What an engine says of an image that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from docker.errors import APIError, NotFound

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker import answers
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.images import Image
from headless_wheel_builder.isolation.docker.reasons import said
from headless_wheel_builder.isolation.docker.reference import Reference, parse_reference

SYNTAX: Final = "References are NAME, NAME:TAG or NAME@sha256:DIGEST, in lower case, with HOST[:PORT]/ in front."
_BAD_REQUEST: Final = 400


def find_on(engine: Engine, image: Image) -> dict[str, Any] | None:
    """Return what an engine says of an image, for whatever platform; None if it does not have it.

    :raises IsolationError: it cannot say anything, or nothing can have that name
    """
    reference = parse_reference(image.reference)
    with engine.doing(f"The image {image.reference} cannot be looked for"):
        facts = _inspected(engine, str(reference))
        if facts is None and reference.digest:
            facts = _inspected(engine, _same(engine, reference))
        return facts


def facts_on(engine: Engine, image: Image) -> dict[str, Any]:
    """Return what `get_image_info` promises to say of an image on an engine.

    :raises IsolationError: it cannot say anything
    """
    found = find_on(engine, image)
    if found is None or not fits(found, image):
        return {"available": False}
    labels = (found.get("Config") or {}).get("Labels") or {}
    return {
        "available": True,
        "id": found["Id"],
        "created": found.get("Created", ""),
        "size": found.get("Size", 0),
        "labels": labels,
    }


def platform_of(facts: Mapping[str, Any]) -> str:
    """Return the platform of an image, as the OCI image specification names it."""
    return "/".join(filter(None, (facts.get("Os"), facts.get("Architecture"), facts.get("Variant"))))


def fits(facts: Mapping[str, Any], image: Image) -> bool:
    """Tell whether what an engine has is for the platform that is wanted.

    Variants are compared where both are known: those of arm64 are mostly left out, as are those of imported images.
    """
    has, wanted = platform_of(facts).split("/"), image.platform.split("/")
    return len(has) > 1 and all(one == other for one, other in zip(has, wanted, strict=False))


def _inspected(engine: Engine, name: str) -> dict[str, Any] | None:
    try:
        return answers.image(engine.api.inspect_image(name)) if name else None
    except NotFound:
        return None
    except APIError as error:
        if error.status_code != _BAD_REQUEST:
            raise
        raise IsolationError(f"No image can be named {name}", cause=f"{said(error)}.", hint=SYNTAX) from error


def _same(engine: Engine, reference: Reference) -> str:
    """Return the id of an image that came from another registry, with the digest that says that it is the same."""
    for one, digests in answers.images(engine.api.images()):
        if any(digest.endswith(f"@{reference.digest}") for digest in digests):
            return one
    return ""

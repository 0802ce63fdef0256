"""What an engine answers, held to what it may be: whatever is at an address, nobody trips over what it says."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import requests
from docker.errors import DockerException

# Of an image: what is text if it is there.
TEXTS: Final = ("Os", "Architecture", "Variant")
# No image has more bytes, or is pulled for as long.
LARGEST: Final = 2**63


def check(response: requests.Response, **options: Any) -> None:
    """Look at an answer before the SDK does, which trips over errors without a message, and over some JSON.

    :param options: those of the request
    :raises DockerException: it is such an answer
    """
    is_error = response.status_code >= HTTPStatus.BAD_REQUEST
    if options.get("stream") and not is_error:
        return
    try:
        said = response.json()
    except requests.JSONDecodeError:
        return  # no JSON at all, which is fine, or is understood
    except (ValueError, RecursionError):
        raise DockerException("What answers there is something else") from None
    if is_error and not (isinstance(said, dict) and isinstance(said.get("message"), str)):
        raise DockerException(f"What answers there says {response.status_code}, and not why")


def components(facts: dict[str, Any]) -> list[str]:
    """Return the names of what an engine consists of, as far as it says."""
    found = facts.get("Components")
    return [str(part.get("Name", "")) for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def image(found: object) -> dict[str, Any]:
    """Return what an engine says of an image.

    :raises DockerException: nobody says that of an image
    """
    match found:
        case {"Id": str(name)} if name and isinstance(found, dict) and _is_image(found):
            return found
    raise DockerException("What it says of an image is nothing that an engine says")


def images(found: object) -> list[tuple[str, list[str]]]:
    """Return the id of each image of a list, with its digests.

    :raises DockerException: it is no list of images
    """
    if not isinstance(found, list):
        raise DockerException("What it says of its images is nothing that an engine says")
    return [(one["Id"], one.get("RepoDigests") or []) for one in map(image, found)]


def count(detail: object, name: str) -> int:
    """Return a number of a message about progress; 0 where there is none."""
    found = detail.get(name) if isinstance(detail, dict) else None
    return min(max(found, 0), LARGEST) if isinstance(found, int) else 0


def _is_image(found: dict[str, Any]) -> bool:
    config = found.get("Config") or {}
    return (
        all(isinstance(found.get(name) or "", str) for name in TEXTS)
        and _are_texts(found.get("RepoDigests"))
        and isinstance(config, dict)
        and isinstance(config.get("Labels") or {}, dict)
        and _are_texts(config.get("Env"))
    )


def _are_texts(found: object) -> bool:
    return not found or (isinstance(found, list) and all(isinstance(one, str) for one in found))

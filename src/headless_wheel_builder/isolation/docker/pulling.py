"""Have an engine fetch an image that it does not have."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import requests
from docker.errors import APIError, ImageNotFound

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import Noticed, Reporter
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine, said
from headless_wheel_builder.isolation.docker.images import Image

# Seconds between attempts: registries are often too busy for a moment.
WAITS: Final = (1.0, 4.0, 10.0)
PASSING: Final = ("500", "502", "503", "504", "429", "timeout", "TLS handshake", "EOF", "connection reset")


def image_id(engine: Engine, image: Image, report: Reporter, checkpoint: Callable[[], None]) -> str:
    """Return the id of an image on the engine, which fetches it first if need be.

    :raises IsolationError: it cannot be had
    """
    found = _there(engine, image)
    if found is None:
        report(Noticed(f"Pulling {image.reference}"))
        _pull(engine, image, report, checkpoint)
        found = _there(engine, image)
    if found is None:
        raise IsolationError(
            f"The image {image.name} was pulled, but it is not for {image.platform}",
            hint="Name one for this architecture, or another architecture with --arch.",
        )
    return str(found["Id"])


def facts_on(engine: Engine, image: Image) -> dict[str, Any]:
    """Return what an engine says of an image.

    :raises IsolationError: it cannot say anything
    """
    found = _there(engine, image)
    if found is None:
        return {"available": False}
    labels = (found.get("Config") or {}).get("Labels") or {}
    return {
        "available": True,
        "id": found["Id"],
        "created": found.get("Created", ""),
        "size": found.get("Size", 0),
        "labels": labels,
    }


def _there(engine: Engine, image: Image) -> dict[str, Any] | None:
    with engine.doing(f"The image {image.reference} cannot be looked for"):
        try:
            facts: dict[str, Any] = engine.api.inspect_image(image.reference)
        except ImageNotFound:
            return None
    parts = (facts.get("Os"), facts.get("Architecture"), facts.get("Variant"))
    # One tag may have images for several architectures, of which an engine keeps the last (moby#48197).
    is_right = image.platform.split("/")[:2] == list(parts[:2])
    return facts if is_right else None


def _pull(engine: Engine, image: Image, report: Reporter, checkpoint: Callable[[], None]) -> None:
    for wait in (*WAITS, None):
        reason = _attempt(engine, image, report, checkpoint)
        if reason is None:
            return
        if wait is None or not any(sign in reason for sign in PASSING):
            raise IsolationError(
                f"The image {image.reference} cannot be pulled",
                cause=f"{reason}.",
                hint="Is its name right? Is a login needed (docker login), or a mirror (--image-mirror)?",
            )
        report(Noticed(f"Pulling again in {wait:.0f} s: {reason}"))
        _sleep(wait, checkpoint)


def _attempt(engine: Engine, image: Image, report: Reporter, checkpoint: Callable[[], None]) -> str | None:
    """Return why it failed; None if it did not."""
    try:
        name, _, tag = image.reference.partition("@") if "@" in image.reference else _tagged(image.reference)
        for message in engine.api.pull(name, tag or None, stream=True, decode=True, platform=image.platform):
            checkpoint()
            # Errors are told in the stream, after a status that says that all is well.
            if "errorDetail" in message or "error" in message:
                return str(message.get("errorDetail", {}).get("message") or message["error"])
            if message.get("status") == "Pull complete":
                report(Noticed(f"Pulled layer {message.get('id')}"))
    except (APIError, requests.RequestException) as error:
        return said(error)
    except ERRORS as error:
        return said(error)
    return None


def _tagged(reference: str) -> tuple[str, str, str]:
    name, colon, tag = reference.rpartition(":")
    return (name, colon, tag) if colon and "/" not in tag else (reference, "", "latest")


def _sleep(seconds: float, checkpoint: Callable[[], None]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        checkpoint()
        time.sleep(0.05)

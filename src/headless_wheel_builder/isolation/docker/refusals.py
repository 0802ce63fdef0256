"""Why an image cannot be pulled: what engines and registries say of it → whether to try again, and what helps."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.images import PLATFORMS, Image
from headless_wheel_builder.isolation.docker.inspection import SYNTAX
from headless_wheel_builder.isolation.docker.reference import Reference, parse_reference
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.values import value

# Some registries answer with a page.
LONGEST_REASON: Final = 500
# Status codes only: other numbers are ports, sizes and parts of digests.
CODE: Final = r"\b(HTTP|status|code)\D{0,40}\b"
# How we say it ourselves.
SILENT: Final = "the engine said nothing for"
LOST: Final = "the connection to the engine was lost"


@value
class Refusal:
    """One kind of them.

    :param signs: a pattern of what is said of it
    :param is_passing: whether it may go well a moment later
    :param hint: what to do, with names of what is known of the image
    """

    signs: str
    is_passing: bool
    hint: str


# The first that fits counts: what is refused for good may have a number or a word in it that passes elsewhere.
REFUSALS: Final = (
    Refusal(LOST, True, "See whether the engine runs: docker info"),
    Refusal(
        r"docker-credential|credentials? (store|helper)",
        False,
        "Mend what keeps your logins: credsStore and credHelpers in Docker's config.json.",
    ),
    Refusal(
        r"x509|certificate|HTTP response to HTTPS client",
        False,
        "Have the engine trust {registry}: its certificate belongs into /etc/docker/certs.d/{registry} on the engine's"
        " machine.",
    ),
    Refusal(r"invalid (reference|tag|checksum|repository|index)|cannot contain a scheme", False, SYNTAX),
    Refusal(
        r"no matching manifest|does not match the specified platform|no image found in .* for architecture",
        False,
        "Name an image that there is for {platform} with --image, or another architecture with --arch.",
    ),
    Refusal(
        rf"toomanyrequests|too many requests|{CODE}429\b",
        True,
        "Try again later, log in ({login}), or {elsewhere}.",
    ),
    Refusal(
        rf"unauthori[sz]ed|denied|forbidden|no basic auth credentials|authentication required|{CODE}40[13]\b",
        False,
        "Log in ({login}) if the image is not for everybody; otherwise see whether its name is right.",
    ),
    Refusal(
        rf"(manifest|name) unknown|not found|does not exist|no such (image|manifest)|{CODE}404\b",
        False,
        "See whether its name and its tag or digest are right{mirrored}.",
    ),
    Refusal(
        r"no such host|connection refused|network is unreachable|no route to host|proxyconnect",
        False,
        "See whether the engine's machine has a network and reaches {registry}, or {elsewhere}.",
    ),
    Refusal(
        rf"time(d )?-?out|deadline exceeded|{SILENT}|temporary failure|server misbehaving",
        True,
        "See whether the engine's machine has a network and reaches {registry}, or {elsewhere}.",
    ),
    Refusal(
        rf"{CODE}5\d\d\b|\bEOF\b|connection reset|broken pipe|GOAWAY|stream error|byte range",
        True,
        "Try again later, or {elsewhere}.",
    ),
    Refusal(r"no space left", False, "Make room on the engine's machine, for example: docker image prune"),
)
OTHER: Final = Refusal("", False, "See what the engine itself says: docker pull {reference}")


def refusal_of(reason: str) -> Refusal:
    """Return which kind of refusal it is that an engine gives a reason for."""
    # Names and addresses may have any word in them.
    words = re.sub(r"\S*[/@]\S*", "", reason)
    fitting = (one for one in REFUSALS if re.search(one.signs, words, re.IGNORECASE))
    return next(fitting, OTHER)


def refused(image: Image, reason: str, has: str) -> IsolationError:
    """Return the error for an image that cannot be pulled.

    :param has: the platform of an image of that name that the engine has; empty if it has none
    """
    reference = parse_reference(image.reference)
    shown = textwrap.shorten(redacted(reason), LONGEST_REASON, placeholder=" ...")
    there = f"The engine has it, but for {has}, and {image.platform} was wanted. " if has else ""
    return IsolationError(
        f"The image {image.reference} cannot be pulled",
        cause=f"{there}{shown[:1].upper()}{shown[1:]}.",
        hint=refusal_of(reason).hint.format_map(_words(image, reference)),
    )


def for_another(image: Image, has: str) -> IsolationError:
    """Return the error for an image that is there, but for another platform."""
    names = {platform: name for name, platform in PLATFORMS.items()}
    arch = f": --arch {names[has]}" if has in names else " with --arch"
    return IsolationError(
        f"The image {image.name} is not for {image.platform}",
        cause=f"What there is under this name is for {has or 'no known platform'}.",
        hint=f"Name an image for {image.platform} with --image, or build for another architecture{arch}.",
    )


def unknown_id(image: Image, address: str) -> IsolationError:
    """Return the error for an id that an engine does not know."""
    return IsolationError(
        f"There is no image {image.reference}",
        cause=f"It is an id, and the engine at {address} has no image with it; registries know no ids.",
        hint="See what the engine has: docker image ls; or name an image as a registry does.",
    )


def _words(image: Image, reference: Reference) -> dict[str, str]:
    registry = reference.registry
    return {
        "registry": registry or "Docker Hub",
        "login": f"docker login {registry}".rstrip(),
        "platform": image.platform,
        "reference": image.reference,
        "elsewhere": "name a mirror: --image-mirror PREFIX" if image.policy else "name it at another registry",
        "mirrored": ", and whether the mirror has it" if image.policy else "",
    }

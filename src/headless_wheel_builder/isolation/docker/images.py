"""Which image a wheel is built in: names of policies and architectures → a reference that an engine understands."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, get_args

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.config import DockerConfig, PlatformType
from headless_wheel_builder.values import value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Architectures as wheels name them, and the platforms of the OCI image specification.
PLATFORMS: Final = {
    "x86_64": "linux/amd64",
    "i686": "linux/386",
    "aarch64": "linux/arm64",
    "armv7l": "linux/arm/v7",
    "ppc64le": "linux/ppc64le",
    "s390x": "linux/s390x",
    "riscv64": "linux/riscv64",
}
# What other systems and engines call them.
SYNONYMS: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "386": "i686", "x86": "i686", "i386": "i686"}
LIBCS: Final = ("manylinux", "musllinux")
# The policy that fits most users, and those of architectures that it has no image for.
RECOMMENDED: Final = "manylinux_2_28"
RECOMMENDED_FOR: Final = {"armv7l": "manylinux_2_31", "riscv64": "manylinux_2_39"}
RECOMMENDED_MUSL: Final = "musllinux_1_2"
ALIASES: Final = {"manylinux_2_17": "manylinux2014"}
HOME: Final = "quay.io/pypa"
_POLICY: Final = re.compile(r"(?P<policy>manylinux(?:\d+|_\d+_\d+)|musllinux_\d+_\d+)(?:_(?P<architecture>\w+))?")


@value
class Image:
    """An image, before any engine was asked for it.

    :param reference: what an engine is asked for, with a digest where it is known
    :param architecture: of what it builds, as wheels name it
    :param platform: the same, as the OCI image specification names it
    :param name: what people call it
    :param end_of_life: since when its distribution gets no updates, `YYYY-MM-DD`; empty if it does
    :param policy: its name in the table of images; empty if it is not there
    """

    reference: str
    architecture: str
    platform: str
    name: str
    end_of_life: str = ""
    policy: str = ""


def find_image(config: DockerConfig) -> Image:
    """Return the image that a configuration means.

    :raises RequestError: there is none
    """
    architecture = known_architecture(config.architecture)
    _check(config)
    if config.image is not None:
        match = _POLICY.fullmatch(config.image)
        if config.platform in LIBCS and any(one in config.image and one != config.platform for one in LIBCS):
            raise RequestError(
                f"{config.image} is no image for {config.platform}",
                hint="Leave out --platform, or name another --image.",
            )
        if match is None:
            return Image(config.image, architecture, PLATFORMS[architecture], config.image)
        return _of_policy(match["policy"], named_architecture(config.image) or architecture, config)
    if config.platform == "musllinux":
        return _of_policy(RECOMMENDED_MUSL, architecture, config)
    return _of_policy(RECOMMENDED_FOR.get(architecture, RECOMMENDED), architecture, config)


def named_architecture(image: str) -> str | None:
    """Return the architecture in the name of a policy's image, as of `manylinux_2_28_aarch64`; None if there is none.

    :raises RequestError: it is unknown
    """
    match = _POLICY.fullmatch(image)
    return None if match is None or match["architecture"] is None else known_architecture(match["architecture"])


def known_architecture(name: str) -> str:
    """Return an architecture as wheels name it.

    :raises RequestError: it is unknown
    """
    architecture = SYNONYMS.get(name.lower(), name.lower())
    if architecture not in PLATFORMS:
        raise RequestError(f"There is no architecture {name!r}", hint=f"Name one of {', '.join(PLATFORMS)}.")
    return architecture


def all_images() -> Mapping[str, str]:
    """Return a description of each known image, by its short name: policy and architecture."""
    return {
        f"{policy}_{architecture}": facts["description"]
        for policy, facts in _table().items()
        for architecture in facts["images"]
    }


def newer_policy(tag: str, architecture: str) -> str | None:
    """Return the oldest policy with an image whose wheels may need what a tag stands for; None if there is none.

    :param tag: for example `manylinux_2_29_x86_64`
    """
    name, *needed = _libc(tag)
    able = {
        policy: _libc(policy)
        for policy, facts in _table().items()
        if architecture in facts["images"] and "end_of_life" not in facts
    }
    fitting = [policy for policy, (libc, *version) in able.items() if libc == name and version >= needed]
    return min(fitting, key=able.__getitem__, default=None)


def facts_of(image: Image) -> dict[str, str]:
    """Return what is known of an image without asking an engine."""
    known = {name: getattr(image, name) for name in ("name", "reference", "architecture", "platform")}
    if image.policy:
        facts = _table()[ALIASES.get(image.policy, image.policy)]
        pinned = {name: facts["images"][image.architecture].get(name, "") for name in ("tag", "digest")}
        described = {"policy": image.policy, "description": facts["description"], "end_of_life": image.end_of_life}
        known.update(described, **pinned)
    return {name: text for name, text in known.items() if text}


def _check(config: DockerConfig) -> None:
    if config.platform not in get_args(PlatformType):
        raise RequestError(
            f"There is no platform {config.platform!r}", hint=f"Name one of {', '.join(get_args(PlatformType))}."
        )


def _libc(tag: str) -> tuple[Any, ...]:
    for policy, alias in ALIASES.items():
        tag = tag.replace(alias, policy)
    name, *version = tag.split("_")[:3]
    return name, *map(int, version)


def _of_policy(policy: str, architecture: str, config: DockerConfig) -> Image:
    table = _table()
    facts = table.get(ALIASES.get(policy, policy))
    if facts is None:
        raise RequestError(
            f"There is no image {policy}",
            cause=f"Those that are known: {', '.join(table)}.",
            hint="Name another, or the full reference of an image.",
        )
    found = facts["images"].get(architecture)
    if found is None:
        raise RequestError(
            f"There is no image {policy} for {architecture}",
            cause=f"It is there for {', '.join(facts['images'])}.",
            hint="Name another policy, or the full reference of an image.",
        )
    name: str = found["name"] if config.mirror is None else found["name"].replace(HOME, config.mirror.rstrip("/"), 1)
    reference = f"{name}@{found['digest']}" if "digest" in found else f"{name}:{found['tag']}"
    end_of_life = str(facts.get("end_of_life", ""))
    return Image(reference, architecture, PLATFORMS[architecture], f"{policy}_{architecture}", end_of_life, policy)


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("images.toml").read_text(encoding="utf-8"))

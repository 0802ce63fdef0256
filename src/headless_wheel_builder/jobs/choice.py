"""Which isolation fits a project: what `--isolation auto` chooses, and why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal, TypeAlias

from headless_wheel_builder.core.analyzer import ProjectMetadata
from headless_wheel_builder.jobs.plan import Source
from headless_wheel_builder.jobs.task import Expectation
from headless_wheel_builder.values import value

Isolation: TypeAlias = Literal["venv", "docker"]


@value
class Choice:
    """An isolation, and the reason for it."""

    isolation: Isolation
    reason: str

    def __str__(self) -> str:
        place = "in a container" if self.isolation == "docker" else "in a virtual environment"
        return f"Building {place}: {self.reason}"


def choose(metadata: ProjectMetadata, refusal: Callable[[], str], platform: str = sys.platform) -> Choice:
    """Return what fits: a container for extension modules, where there can be one, else a virtual environment.

    What may have extension modules is built in a container too: a wheel that turns out to be pure is the same there,
    one that does not would run on this machine only.

    :param refusal: says why there is no working engine; empty if there is one
    """
    if metadata.has_extension_modules is False:
        return Choice("venv", "the project has no extension modules")
    what = "the project has extension modules" if metadata.has_extension_modules else "it may have extension modules"
    if metadata.evidence:
        what = f"{what} ({metadata.evidence[0]})"
    if not platform.startswith("linux"):
        return Choice("venv", f"{what}, and containers make wheels for Linux only")
    if refused := refusal():
        return Choice("venv", f"{what}, but there is no working engine: {refused}")
    return Choice("docker", what)


def known_source(path: str, metadata: ProjectMetadata | None) -> Source:
    """Return a source with what is known of it.

    :param metadata: None where it cannot be read; its build says why
    """
    if metadata is None:
        return Source(path=path)
    return Source(path=path, requires_python=metadata.requires_python, expectation=expectation(metadata))


def expectation(metadata: ProjectMetadata) -> Expectation:
    """Return what is to be expected of a project's wheels."""
    if metadata.has_extension_modules is None:
        return "unknown"
    if not metadata.has_extension_modules:
        return "pure"
    return "abi3" if metadata.limited_api else "platform"

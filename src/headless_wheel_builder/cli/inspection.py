"""`--inspect`: what a project is, and what would be built where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headless_wheel_builder.core.analyzer import ProjectMetadata
from headless_wheel_builder.jobs.choice import Choice
from headless_wheel_builder.values import value

WIDTH = 14


@value
class Inspected:
    """What was found out about one source.

    :param choice: what `--isolation auto` chooses for the run; None where another isolation was asked for
    :param plan: what would be built, as `plan_facts` has it
    """

    source: str
    metadata: ProjectMetadata
    choice: Choice | None
    plan: Mapping[str, Any]

    def facts(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        choice = None if self.choice is None else dict(vars(self.choice))
        return {"source": self.source, "project": self.metadata.facts(), "isolation": choice, "plan": dict(self.plan)}


def lines(inspected: Inspected) -> Iterator[str]:
    """Yield it for people."""
    metadata = inspected.metadata
    yield f"{metadata.name or 'a project without a known name'} {metadata.version or '(version: only a build tells)'}"
    yield from _row("backend", [_backend(metadata)])
    yield from _row("Python", [metadata.requires_python or "any"])
    yield from _row("to build", metadata.build_requirements)
    yield from _row("to run", metadata.dependencies)
    yield from _row("extensions", [_extensions(metadata)])
    yield from _row("known from", metadata.evidence)
    if inspected.choice is not None:
        yield from _row("auto chooses", [f"{inspected.choice.isolation}: {inspected.choice.reason}"])
    yield from _row("targets", [one["identifier"] for one in inspected.plan["targets"]] or ["none"])
    yield from _row("excluded", [f"{one['identifier']}: {one['excluded']}" for one in inspected.plan["excluded"]])
    yield from _row("missing", [f"{one['identifier']}: {one['reason']}" for one in inspected.plan["missing"]])


def _row(head: str, cells: Sequence[str]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"  {head if number == 0 else '':<{WIDTH}}{cell}"


def _backend(metadata: ProjectMetadata) -> str:
    backend = metadata.backend
    place = ", in the source tree" if backend.in_tree else ""
    return f"{backend.name or 'unknown'} ({backend.module}{place})"


def _extensions(metadata: ProjectMetadata) -> str:
    said = {
        "none": "none",
        "always": "yes",
        "optional": "yes, where they can be compiled",
        "conditional": "by default" if metadata.has_extension_modules else "not by default",
        "unknown": "unknown: only a build tells",
    }[metadata.extensions]
    condition = f", depending on {metadata.extension_condition}" if metadata.extension_condition else ""
    languages = f" ({', '.join(metadata.extension_languages)})" if metadata.extension_languages else ""
    stable = ", for the stable ABI (abi3)" if metadata.limited_api else ""
    return f"{said}{condition}{languages}{stable}"

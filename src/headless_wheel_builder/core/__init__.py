"""The core: what a source tree says, the steps of a build, and what becomes of the artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headless_wheel_builder.lazy import attributes

if TYPE_CHECKING:
    from headless_wheel_builder.core.analyzer import ProjectAnalyzer, ProjectMetadata
    from headless_wheel_builder.core.engine import BuildConfig, BuildEngine
    from headless_wheel_builder.core.result import Artifact, BuildResult

_HOMES = {
    "Artifact": "core.result",
    "BuildConfig": "core.engine",
    "BuildEngine": "core.engine",
    "BuildResult": "core.result",
    "ProjectAnalyzer": "core.analyzer",
    "ProjectMetadata": "core.analyzer",
}

__all__ = ["Artifact", "BuildConfig", "BuildEngine", "BuildResult", "ProjectAnalyzer", "ProjectMetadata"]


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

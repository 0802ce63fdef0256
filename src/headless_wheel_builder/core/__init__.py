"""The core: what a source tree says, the steps of a build, and what becomes of the artifacts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headless_wheel_builder.core.engine import BuildConfig, BuildEngine
    from headless_wheel_builder.core.result import Artifact, BuildResult

_HOMES = {"Artifact": "result", "BuildConfig": "engine", "BuildEngine": "engine", "BuildResult": "result"}

__all__ = ["Artifact", "BuildConfig", "BuildEngine", "BuildResult"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

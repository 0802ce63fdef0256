"""Build isolation: who makes the environment that hooks run in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headless_wheel_builder.errors import DependencyError, IsolationError
    from headless_wheel_builder.isolation.base import BuildEnvironment, IsolationStrategy
    from headless_wheel_builder.isolation.none import NoIsolation
    from headless_wheel_builder.isolation.venv import VenvConfig, VenvIsolation

_HOMES = {
    "BuildEnvironment": "isolation.base",
    "DependencyError": "errors",
    "IsolationError": "errors",
    "IsolationStrategy": "isolation.base",
    "NoIsolation": "isolation.none",
    "VenvConfig": "isolation.venv",
    "VenvIsolation": "isolation.venv",
}

__all__ = [
    "BuildEnvironment",
    "DependencyError",
    "IsolationError",
    "IsolationStrategy",
    "NoIsolation",
    "VenvConfig",
    "VenvIsolation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"headless_wheel_builder.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

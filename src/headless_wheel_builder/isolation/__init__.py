"""Build isolation: who makes the environment that hooks run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headless_wheel_builder.lazy import attributes

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


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

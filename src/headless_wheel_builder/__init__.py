"""Build wheels and sdists: a PEP 517 frontend.

result = await build_wheel("path/to/project", output_dir="dist", python="3.12")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from headless_wheel_builder import errors as _errors
from headless_wheel_builder._version import __version__
from headless_wheel_builder.errors import *  # noqa: F403 - the one tree of errors, whole

if TYPE_CHECKING:
    from headless_wheel_builder.core.engine import BuildConfig, BuildEngine, build_wheel
    from headless_wheel_builder.core.result import Artifact, BuildResult

# What is heavy to import waits until it is used.
_HOMES = {
    "Artifact": "core.result",
    "BuildConfig": "core.engine",
    "BuildEngine": "core.engine",
    "BuildResult": "core.result",
    "build_wheel": "core.engine",
}

__all__ = [
    "Artifact",
    "BuildConfig",
    "BuildEngine",
    "BuildResult",
    "__version__",
    "build_wheel",
]
__all__ += _errors.__all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

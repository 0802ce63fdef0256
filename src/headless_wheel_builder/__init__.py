"""Build wheels and sdists: a PEP 517 frontend.

result = await build_wheel("path/to/project", output_dir="dist", python="3.12")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headless_wheel_builder import errors as _errors
from headless_wheel_builder._version import __version__
from headless_wheel_builder.errors import *  # noqa: F403 - the one tree of errors, whole
from headless_wheel_builder.lazy import attributes

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


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

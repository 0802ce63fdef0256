"""The one temporary folder that everything happens in, and the environment that programs get."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from integration.benchmark.running import held

# What would change what is measured: bytecode that is not written, other interpreters, other colours. What tells where
# the index is stays.
UNWANTED = frozenset(
    {
        *("NO_COLOR", "FORCE_COLOR", "COLUMNS", "VIRTUAL_ENV", "SOURCE_DATE_EPOCH"),
        *("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_NO_CACHE", "UV_COMPILE_BYTECODE", "UV_LINK_MODE", "PIP_NO_CACHE_DIR"),
    }
)
UNWANTED_PREFIXES = ("PYTHON", "PYTEST", "HWB_", "CIBW_")


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A temporary folder."""

    root: Path

    def environment(self, *programs: Path, **more: Path) -> dict[str, str]:
        """Return the caller's environment with caches of the benchmark's own.

        :param programs: the folders whose programs come first
        """
        kept = {name: value for name, value in os.environ.items() if not unwanted(name)}
        caches = {
            "UV_CACHE_DIR": self.root / "uv",
            "PIP_CACHE_DIR": self.root / "pip",
            "HWB_CACHE_DIR": self.root / "store",
            "VIRTUALENV_OVERRIDE_APP_DATA": self.root / "virtualenv",
        }
        path = os.pathsep.join([*map(str, programs), kept.get("PATH", os.defpath)])
        return {**kept, "PATH": path, **{name: str(folder) for name, folder in {**caches, **more}.items()}}


def unwanted(name: str) -> bool:
    """Whether a variable would change what is measured."""
    return name in UNWANTED or name.startswith(UNWANTED_PREFIXES)


@contextlib.contextmanager
def temporary() -> Iterator[Workspace]:
    """Make a workspace that is gone in the end."""
    folder = tempfile.TemporaryDirectory(prefix="hwb-benchmark-")
    try:
        yield Workspace(Path(folder.name).resolve())
    finally:
        with held():
            folder.cleanup()

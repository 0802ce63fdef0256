"""The command lines whose builds are ended: ours, and its peers."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

from index import UV
from integration.soak.builds import COMMON, Build


@dataclasses.dataclass(frozen=True)
class Frontend:
    """A command line.

    :param command: the program, before the arguments of a build
    :param beside: the builds that it is ended in beside others
    :param cache: the variable that names the folder for what it keeps between builds
    :param scratch: what it has there for the length of a build, as a pattern
    :param own: what it writes beside artifacts, and means to
    :param codes: whether it promises the exit codes of a shell
    """

    name: str
    command: tuple[str, ...]
    beside: tuple[Build, ...]
    cache: str
    scratch: str
    own: tuple[str, ...] = ()
    codes: bool = False

    def environ(self, cache: Path) -> Mapping[str, str]:
        """Return the variables that it gets besides."""
        return {self.cache: str(cache)}

    def temporary(self, cache: Path) -> list[str]:
        """Return what is temporary in its cache."""
        return [path.name for path in cache.glob(self.scratch)]


OURS = Frontend(
    "hwb",
    (sys.executable, "-m", "headless_wheel_builder"),
    COMMON,
    "HWB_CACHE_DIR",
    "*/.hwb-*",
    codes=True,
)
# What builds wheels from the requirements of pip has no cache of its own.
BUILD = Frontend("python -m build", (sys.executable, "-m", "build"), COMMON, "PIP_CACHE_DIR", ".tmp*")
UV_BUILD = Frontend(
    "uv build",
    (UV, "build", "--python", sys.executable),
    COMMON[:2],
    "UV_CACHE_DIR",
    "*/.tmp*",
    own=(".gitignore",),
)
FRONTENDS = (OURS, BUILD, UV_BUILD)

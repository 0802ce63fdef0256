"""The command lines whose builds are ended: ours, and its peers."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from index import UV


@dataclasses.dataclass(frozen=True)
class Frontend:
    """A command line.

    :param command: the program, before the arguments of a build
    :param cache: the variable that names the folder for what it keeps between builds; empty if it has none
    :param scratch: what it has there for the length of a build, as a pattern; empty for nothing
    :param own: what it writes beside artifacts, and means to
    :param spelled: arguments that are others for it
    :param codes: whether it promises the exit codes of a shell
    """

    name: str
    command: tuple[str, ...]
    cache: str = ""
    scratch: str = ""
    own: tuple[str, ...] = ()
    spelled: Mapping[str, str] = dataclasses.field(default_factory=dict)
    codes: bool = False

    def argv(self, arguments: Sequence[str]) -> list[str]:
        """Return the command line of a build."""
        return [*self.command, *(self.spelled.get(one, one) for one in arguments)]

    def environ(self, cache: Path) -> dict[str, str]:
        """Return the variables that it gets besides."""
        return {self.cache: str(cache)} if self.cache else {}

    def temporary(self, cache: Path) -> list[Path]:
        """Return what is temporary in its cache."""
        return list(cache.glob(self.scratch)) if self.scratch else []


OURS = Frontend("hwb", (sys.executable, "-m", "headless_wheel_builder"), cache="HWB_CACHE_DIR", codes=True)
FRONTENDS = (
    OURS,
    Frontend("python -m build", (sys.executable, "-m", "build")),
    Frontend(
        "uv build",
        (UV, "build", "--python", sys.executable),
        cache="UV_CACHE_DIR",
        scratch="*/.tmp*",
        own=(".gitignore",),
        spelled={"-nx": "--no-build-isolation"},
    ),
)

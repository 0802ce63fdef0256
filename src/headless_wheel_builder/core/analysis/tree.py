"""A source tree as names and bytes, from a folder or from an sdist that is not unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from headless_wheel_builder.core import tarball
from headless_wheel_builder.core.archive_names import parts
from headless_wheel_builder.core.reading import Checkpoint
from headless_wheel_builder.core.sdist_members import MemberRules

READ_LIMIT: Final = 2_000_000
TOTAL_LIMIT: Final = 64_000_000
FILE_LIMIT: Final = 200_000
# What is never a part of a project, and can be larger than it.
SKIPPED: Final = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
    ]
)
READ_NAMES: Final = frozenset(["PKG-INFO", "meson.build", "meson.options", "meson_options.txt", "SConstruct"])
READ_SUFFIXES: Final = (".py", ".toml", ".cfg")


class SourceTree(Protocol):
    """The files of a source tree. Names have `/`, and are relative to it."""

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; None if there is none, or it is none that is read."""

    def exists(self, name: str) -> bool:
        """Tell whether there is a file or a folder."""

    def files(self) -> Sequence[str]:
        """Return the names of all files, each after those of its folder that come before it."""


class FolderTree:
    """A folder."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._read: dict[str, bytes | None] = {}

    def read(self, name: str) -> bytes | None:
        """Return what a file holds."""
        if name not in self._read:
            self._read[name] = _regular(os.path.join(self._root, name))
        return self._read[name]

    def exists(self, name: str) -> bool:
        """Tell whether there is a file or a folder."""
        return os.path.exists(os.path.join(self._root, name))

    def files(self) -> Sequence[str]:
        """Return the names of all files."""
        return self._files

    @cached_property
    def _files(self) -> list[str]:
        found: list[str] = []
        waiting = [""]
        while waiting and len(found) < FILE_LIMIT:
            folder = waiting.pop()
            for name, is_folder in _entries(os.path.join(self._root, folder)):
                if not is_folder:
                    found.append(folder + name)
                elif name not in SKIPPED:
                    waiting.append(f"{folder}{name}/")
        return found


def _entries(folder: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            # A link to a folder may lead back to where it is.
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return []


def _regular(path: str) -> bytes | None:
    try:
        # Opening a pipe would wait for who writes to it.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            content = file.read(READ_LIMIT + 1)
    except (OSError, ValueError):
        return None
    return content if len(content) <= READ_LIMIT else None


class SdistTree:
    """An sdist, with what is in it below its top-level folder."""

    def __init__(self, contents: dict[str, bytes | None]) -> None:
        self._contents = contents

    def read(self, name: str) -> bytes | None:
        """Return what a file holds."""
        return self._contents.get(name)

    def exists(self, name: str) -> bool:
        """Tell whether there is a file or a folder."""
        return name in self._contents or any(file.startswith(f"{name}/") for file in self._contents)

    def files(self) -> Sequence[str]:
        """Return the names of all files."""
        return [*self._contents]


def read_sdist(path: Path, checkpoint: Checkpoint, size: int) -> SdistTree:
    """Read what matters of an sdist, in one go and without unpacking it.

    :param size: how many bytes it may unpack to

    :raises SdistError: it is none, is damaged or is hostile
    """
    contents: dict[str, bytes | None] = {}
    left = TOTAL_LIMIT
    with tarball.opened(path, size, checkpoint) as sdist:
        rules = MemberRules(path)
        for member in sdist.members():
            rules.admit(member)
            name = "/".join(parts(member.name)[1:])
            if not name or member.isdir() or len(contents) >= FILE_LIMIT:
                continue
            is_read = member.isfile() and member.size <= min(READ_LIMIT, left) and _is_read(name)
            stream = sdist.tar.extractfile(member) if is_read else None
            contents[name] = stream.read() if stream else None
            left -= len(contents[name] or b"")
        rules.finish(checkpoint)
    return SdistTree(contents)


def _is_read(name: str) -> bool:
    return name.endswith(READ_SUFFIXES) or name.rpartition("/")[2] in READ_NAMES

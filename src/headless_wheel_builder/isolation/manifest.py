"""What an environment was made of: the size, time and mode of every file, without reading any.

Folders called `__pycache__` do not count: hooks write bytecode as they import, and Python checks it against its source.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

# No name can contain it, and no target of a symbolic link.
_END = "\0"


class Manifest:
    """A finished environment.

    :param name: the name of its folder
    :param size: the sizes of its files together
    :param entries: paths and properties in turn, sorted by path; text that is compared as a whole
    """

    def __init__(self, name: str, size: int, entries: str) -> None:
        self.name = name
        self.size = size
        self.entries = entries

    def encode(self) -> bytes:
        """Return the content of a manifest file."""
        return os.fsencode(f"{self.name} {self.size}\n{self.entries}")

    def difference(self, folder: str) -> str | None:
        """Say in a sentence what the folder has otherwise; None when it is as it was."""
        try:
            entries = _entries(folder)
        except OSError as error:
            return f"{error.filename} cannot be read"
        return None if entries == self.entries else _first_difference(_parsed(self.entries), _parsed(entries))


def describe(folder: str) -> Manifest:
    """Return the manifest of an environment that was just made.

    :raises OSError: something in it cannot be read
    """
    entries = _entries(folder)
    sizes = (properties.split()[1] for properties in _parsed(entries).values() if properties.startswith("file "))
    return Manifest(os.path.basename(folder), sum(map(int, sizes)), entries)


def decode(content: bytes) -> Manifest | None:
    """Return what a manifest file contains, None if it is damaged; damaged entries are found by `difference`."""
    try:
        head, _, entries = os.fsdecode(content).partition("\n")
        name, _, size = head.partition(" ")
        return Manifest(name, int(size), entries) if name.isalnum() else None
    except ValueError:
        return None


def _entries(folder: str) -> str:
    status = os.lstat(folder)
    found = [f".{_END}folder {status.st_mode}{_owner(status)}", *_walk(folder)]
    found.sort()
    return _END.join(found)


def _owner(status: os.stat_result) -> str:
    # Whoever an environment belongs to can change it; hardly ever is that someone else.
    return f" owner {status.st_uid}" if os.name == "posix" and status.st_uid != os.geteuid() else ""


def _walk(folder: str) -> Iterator[str]:
    pending = [("", folder)]
    while pending:
        prefix, path = pending.pop()
        with os.scandir(path) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_symlink():
                    # The interpreter is one: where it was removed, the environment is worth nothing.
                    kind = "link" if os.path.exists(entry.path) else "broken link"
                    yield f"{name}{_END}{kind} {os.readlink(entry.path)}"
                elif not entry.is_dir(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield f"{name}{_END}file {status.st_size} {status.st_mtime_ns} {status.st_mode}{_owner(status)}"
                elif entry.name != "__pycache__":
                    status = entry.stat(follow_symlinks=False)
                    yield f"{name}{_END}folder {status.st_mode}{_owner(status)}"
                    pending.append((f"{name}/", entry.path))


def _parsed(entries: str) -> dict[str, str]:
    parts = entries.split(_END)
    return dict(zip(parts[::2], parts[1::2], strict=False))


def _first_difference(then: dict[str, str], now: dict[str, str]) -> str:
    for path in sorted({*then, *now}):
        if path not in now:
            return f"{path} was removed"
        if path not in then:
            return f"{path} was added"
        if then[path] != now[path]:
            return f"{path} was changed"
    return "its manifest is damaged"

"""Remember what we wrote into a folder of the user's, so that nothing else is ever deleted there."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

Entry: TypeAlias = list[object]
Entries: TypeAlias = Mapping[str, Entry]

FORMAT: Final = 1


def describe(tree: Path) -> dict[str, Entry]:
    """Describe everything below a folder, each folder before what is in it, by its path with slashes."""
    return {Path(entry.path).relative_to(tree).as_posix(): _describe_entry(entry) for entry in _walk(tree)}


def save(manifest: Path, entries: Entries) -> None:
    """Write a manifest, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=f"{manifest.name}.", dir=manifest.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump({"format": FORMAT, "entries": entries}, file, indent=0)
        Path(temporary).replace(manifest)
    except BaseException:  # a cancellation too: no half a manifest stays
        Path(temporary).unlink()
        raise


def load(manifest: Path) -> Entries:
    """Read a manifest; one that is missing or damaged vouches for nothing."""
    try:
        content = json.loads(manifest.read_bytes())
        entries = content["entries"] if content["format"] == FORMAT else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def strangers(tree: Path, known: Entries) -> list[str]:
    """List what is below a folder and is not as a manifest knows it."""
    return sorted(path for path, entry in describe(tree).items() if known.get(path) != entry)


def delete(tree: Path, known: Entries) -> None:
    """Delete a folder with what a manifest knows below it.

    The folder is walked, not the manifest, so no manifest can lead out of it; what appears or changes meanwhile stays.

    :raises OSError: something is left
    """
    for entry in reversed(list(_walk(tree))):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            path.rmdir()
        elif known.get(path.relative_to(tree).as_posix()) == _describe_path(path):
            path.unlink()
    tree.rmdir()


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def _describe_entry(entry: os.DirEntry[str]) -> Entry:
    return _describe_path(Path(entry.path))


def _describe_path(path: Path) -> Entry:
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        return ["folder"]
    if stat.S_ISLNK(found.st_mode):
        return ["link", os.fspath(path.readlink())]
    kind = "file" if stat.S_ISREG(found.st_mode) else "special"
    return [kind, found.st_size, found.st_mtime_ns]

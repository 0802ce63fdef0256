"""Put a folder into one file, or the folder where it was: `parcel.py ANSWER pack|unpack|stay FILE FOLDER`.

An engine takes about a millisecond for each file of an image that it makes, whatever is in it.

The file starts with a line of JSON: [path, mode, kind, size or target, nanoseconds] for each entry, folders before what
they hold; what regular files have follows, one after the other.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

PIECE = 1 << 20


def pack(file: str, folder: str) -> None:
    """Write a file with all that a folder has."""
    entries = list(_entries(folder))
    with open(file, "wb") as parcel:
        parcel.write(json.dumps(entries).encode() + b"\n")
        for path, _, kind, size, _ in entries:
            if kind == "file":
                with open(os.path.join(folder, path), "rb") as content:
                    _copy(content, parcel, int(size))


def unpack(file: str, folder: str) -> None:
    """Write into a folder what `pack` found; nothing of that is there yet."""
    with open(file, "rb") as parcel:
        entries = json.loads(parcel.readline())
        for path, mode, kind, what, nanoseconds in entries:
            place = os.path.join(folder, path)
            if kind == "folder":
                os.mkdir(place)
            elif kind == "link":
                os.symlink(what, place)
            else:
                _write(place, parcel, what)
                os.chmod(place, mode)
                # By which bytecode knows its source.
                os.utime(place, ns=(nanoseconds, nanoseconds))
    # Last, as what is made in a folder changes its time.
    for path, mode, kind, _, nanoseconds in reversed(entries):
        if kind == "folder":
            place = os.path.join(folder, path)
            os.chmod(place, mode)
            os.utime(place, ns=(nanoseconds, nanoseconds))


def stay(file: str, folder: str) -> None:
    """Unpack, and wait for nobody."""
    unpack(file, folder)
    signal.pause()


def _entries(folder: str) -> Iterator[list[Any]]:
    for root, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = os.path.join(root, name)
            status = os.lstat(path)
            kind, what = _kind(path, status)
            yield [os.path.relpath(path, folder), stat.S_IMODE(status.st_mode), kind, what, status.st_mtime_ns]


def _kind(path: str, status: os.stat_result) -> tuple[str, int | str]:
    if stat.S_ISLNK(status.st_mode):
        return "link", os.readlink(path)
    if stat.S_ISDIR(status.st_mode):
        return "folder", 0
    if stat.S_ISREG(status.st_mode):
        return "file", status.st_size
    raise ValueError(f"{path} is no file, folder or link")


def _write(place: str, parcel: BinaryIO, size: int) -> None:
    with open(place, "wb") as content:
        _copy(parcel, content, size)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        piece = source.read(min(size, PIECE))
        if not piece:
            raise EOFError("it ends too early")
        target.write(piece)
        size -= len(piece)


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack, "stay": stay}[sys.argv[2]](*sys.argv[3:])
    with open(sys.argv[1], "w") as answer:
        json.dump(True, answer)

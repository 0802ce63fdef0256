"""Trees in and out of containers, as streams of tar: nothing is held in memory or on disk as a whole."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headless_wheel_builder.errors import IsolationError, ProjectError
from headless_wheel_builder.sizes import DEFAULT_SIZE

if TYPE_CHECKING:
    from typing_extensions import Self

CHUNK: Final = 256 * 1024
# Bytes of an archive that an engine unpacks about as fast as nothing at all.
FEW: Final = 1024 * 1024
# Folders of a source tree that no build needs, and that only fit the machine they were made on.
LEFT_OUT: Final = frozenset({"__pycache__", ".tox", ".nox"})
ENVIRONMENT: Final = "pyvenv.cfg"

# Headers that tarfile reads whole, and looks through in quadratic time (CVE-2024-6232). Two paths fit, of any length.
LONGEST_HEADER: Final = 16 * 1024
# What tarfile passes on when the bytes are hostile, and what comes of names that cannot be beside each other.
UNREADABLE: Final = (
    tarfile.TarError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    FileExistsError,
    FileNotFoundError,
    NotADirectoryError,
    IsADirectoryError,
)

# A member, and what opens its content.
Member: TypeAlias = tuple[tarfile.TarInfo, Callable[[], Any] | None]


def of_tree(folder: str, place: str, checkpoint: Callable[[], None]) -> Iterator[Member]:
    """Return the members of a source tree, as they are to be below `place` in a container.

    They belong to the container's root, whoever they belong to here. Virtual environments are left out.

    :raises ProjectError: something cannot be read
    """
    pending = [(folder, place.strip("/"))]
    while pending:
        path, name = pending.pop()
        yield _described(path, name), None
        for entry in _entries(path):
            checkpoint()
            if not entry.is_dir(follow_symlinks=False):
                yield from _leaf(entry, f"{name}/{entry.name}")
            elif entry.name not in LEFT_OUT and not os.path.exists(os.path.join(entry.path, ENVIRONMENT)):
                pending.append((entry.path, f"{name}/{entry.name}"))


def of_bytes(place: str, content: bytes, mode: int = 0o644) -> Member:
    """Return the member of a file; its time is made of what it has, so that no bytecode of another version fits it."""
    info = tarfile.TarInfo(place.strip("/"))
    info.size, info.mode, info.mtime = len(content), mode, zlib.crc32(content) >> 1
    return info, lambda: io.BytesIO(content)


def of_folder(place: str, mode: int = 0o755) -> Member:
    """Return the member of an empty folder."""
    info = tarfile.TarInfo(place.strip("/"))
    info.type, info.mode = tarfile.DIRTYPE, mode
    return info, None


def beginning(members: Iterator[Member]) -> tuple[list[Member], list[Member] | Iterator[Member]]:
    """Return the members if they are few and small, and what there is beyond that."""
    few: list[Member] = []
    room = FEW
    for member in members:
        few.append(member)
        room -= member[0].size + tarfile.BLOCKSIZE
        if room < 0:
            return [], itertools.chain(few, members)
    return few, []


def packed(members: Iterable[Member]) -> Iterator[bytes]:
    """Return the bytes of an archive with members, in pieces."""
    pieces = bytearray()
    for piece in _pieces(members):
        pieces += piece
        if len(pieces) >= CHUNK:
            yield bytes(pieces)
            pieces.clear()
    yield bytes(pieces)


def checked(pieces: Iterable[bytes], checkpoint: Callable[[], None]) -> Iterator[bytes]:
    """Return the pieces, with a checkpoint before each: a single file may take minutes."""
    for piece in pieces:
        checkpoint()
        yield piece


def unpack(stream: Iterable[bytes], folder: str, most: int = DEFAULT_SIZE) -> None:
    """Write the files of an archive that an engine made of a folder into another folder.

    Only plain files and folders; to whom they belonged is not kept.

    :param most: how many bytes all files may have: a file of nothing but holes costs a container nothing
    :raises IsolationError: the archive is damaged, has more than that, or has names that lead elsewhere
    """
    try:
        with tarfile.open(fileobj=Reader(stream), mode="r|", tarinfo=_Entry) as archive:
            for member in archive:
                # As an engine sends it: it writes no sparse members, whose maps may tell of any size. All others count,
                # as what is no file may have a size too, which tarfile would look for long after the end.
                most -= max(member.size, 0)
                if most < 0 or member.issparse():
                    raise IsolationError("The container has more to copy out than any build makes")
                _extract(archive, member, folder)
    except UNREADABLE as error:
        raise IsolationError("The engine sent an archive that cannot be read", cause=f"{error}.") from error


class _Entry(tarfile.TarInfo):
    """A member, or what tells more of the one after it, which has to be short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type not in tarfile.REGULAR_TYPES and not 0 <= entry.size <= LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {entry.size} bytes")
        return entry


class Reader(io.RawIOBase):
    """A stream of pieces, as a file to read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return this many bytes, fewer at the end."""
        parts = []
        while size:
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            part, self._rest = self._rest[:size], self._rest[size:] if size > 0 else memoryview(b"")
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(error) from error


def _leaf(entry: os.DirEntry[str], name: str) -> Iterator[Member]:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        yield _described(entry.path, name), None
    elif stat.S_ISREG(mode):
        yield _described(entry.path, name), lambda: _opened(entry.path)


def _described(path: str, name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    try:
        status = os.lstat(path)
        info.mode, info.mtime = stat.S_IMODE(status.st_mode), status.st_mtime
        if stat.S_ISLNK(status.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
        elif stat.S_ISDIR(status.st_mode):
            info.type = tarfile.DIRTYPE
        else:
            info.size = status.st_size
    except OSError as error:
        raise _unreadable(error) from error
    return info


def _opened(path: str) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> ProjectError:
    return ProjectError(
        f"{error.filename} cannot be sent to the container: {error.strerror}",
        hint="Make it readable, or remove it from the source tree.",
    )


def _pieces(members: Iterable[Member]) -> Iterator[bytes]:
    for info, opener in members:
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if opener is not None:
            with opener() as file:
                yield from _content(file, info.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _content(file: Any, size: int) -> Iterator[bytes]:
    left = size
    while left and (piece := file.read(min(CHUNK, left))):
        left -= len(piece)
        yield piece
    # A file that became shorter meanwhile is filled up: the archive was promised that much.
    while left:
        yield bytes(min(CHUNK, left))
        left -= min(CHUNK, left)
    yield bytes(-size % tarfile.BLOCKSIZE)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
    # The first part is the name of the folder itself.
    parts = member.name.split("/")[1:]
    if any(part in {"", ".", ".."} or os.sep in part for part in parts):
        raise IsolationError(f"The engine sent an archive with the name {member.name[:200]!r}, which leads elsewhere")
    path = os.path.join(folder, *parts)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
    elif member.isreg() and (content := archive.extractfile(member)) is not None:
        with open(path, "xb") as file:
            shutil.copyfileobj(content, file, CHUNK)

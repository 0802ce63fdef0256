"""A source distribution as a gzipped tar file: its members one after the other, in little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.reading import CHUNK_SIZE, READ_FAILURES, Checkpoint
from headless_wheel_builder.errors import SdistError

if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath
    from typing_extensions import Self

HINT: Final = "Fetch or make the source distribution again: a .tar.gz file as in PEP 517 and PEP 625."
# Long names and pax headers are read at once, and a few bytes of gzip can pretend to gigabytes of them.
EXTENSION_LIMIT: Final = 1024 * 1024
EXTENSION_TYPES: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Tarball:
    """An open source distribution.

    :param checkpoint: called for each member, and for each piece of the file that is read
    """

    def __init__(self, path: Path, file: gzip.GzipFile, tar: _TarFile, checkpoint: Checkpoint) -> None:
        self.path = path
        self.tar = tar
        self._file = file
        self._checkpoint = checkpoint

    def members(self) -> Iterator[tarfile.TarInfo]:
        """Yield each member once, then read to the end of the file, where gzip keeps the checksum of it all."""
        while (member := self.tar.next()) is not None:
            self._checkpoint()
            yield member
            self.tar.members.clear()
        while self._file.read(CHUNK_SIZE):
            self._checkpoint()


@contextlib.contextmanager
def opened(path: Path, checkpoint: Checkpoint) -> Iterator[Tarball]:
    """Open a source distribution for reading, from its start to its end.

    :raises SdistError: it cannot be read, when opened or inside the block
    """
    try:
        with (
            _Watched(path, checkpoint) as raw,
            gzip.GzipFile(fileobj=raw) as file,
            _TarFile.open(fileobj=file, mode="r:", tarinfo=_TarInfo) as tar,
        ):
            yield Tarball(path, file, tar, checkpoint)
    except READ_FAILURES as error:
        message = f"failed to read source distribution {path}: {error}"
        cause = "It is not a gzipped tar file, or it was cut off or damaged on its way."
        raise SdistError(message, cause=cause, hint=HINT) from error


class _Watched(io.FileIO):
    """A file that can be cancelled even while tarfile skips a member of gigabytes."""

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        super().__init__(os.fspath(path))
        self._checkpoint = checkpoint

    def read(self, size: int | None = -1, /) -> bytes:
        self._checkpoint()
        return super().read(-1 if size is None else size)


class _TarFile(tarfile.TarFile):
    # tarfile's cache of everything seen, which only `getmembers()` needs; Python 3.13 can do without (`stream=`).
    members: list[tarfile.TarInfo]

    def chown(self, tarinfo: tarfile.TarInfo, targetpath: StrOrBytesPath, numeric_owner: bool) -> None:
        """Leave files to who extracts them, root too: the data filter of PEP 706, for Pythons without it."""


class _TarInfo(tarfile.TarInfo):
    """A member whose header must be right: tarfile takes a damaged one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise tarfile.ReadError(str(error)) from error
            raise
        if member.type in EXTENSION_TYPES and member.size > EXTENSION_LIMIT:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member

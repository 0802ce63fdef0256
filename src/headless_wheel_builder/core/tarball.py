"""A source distribution as a gzipped tar file: its members one after the other, in little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.reading import CHUNK_SIZE, READ_FAILURES, Checkpoint, pass_shortage
from headless_wheel_builder.core.unpacking import Allowance
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
# Headers that hold for all members to come are kept, each up to the limit above. Real archives have one.
MAX_GLOBAL_HEADERS: Final = 32
# What headers may be together: so much for each member, and the rest for the few that have more.
HEADERS_AT_FIRST: Final = 4 * 1024 * 1024
HEADERS_PER_MEMBER: Final = 4096
# No number in a header is as long; tarfile takes quadratic time to find that so many digits are none (CVE-2024-6232).
DIGITS: Final = re.compile(rb"[0-9]{128}")


class Tarball:
    """An open source distribution.

    :param checkpoint: called for each member, and for each piece of the file that is read
    """

    def __init__(self, path: Path, stream: Stream, tar: _TarFile, checkpoint: Checkpoint) -> None:
        self.path = path
        self.tar = tar
        self._stream = stream
        self._checkpoint = checkpoint

    def members(self) -> Iterator[tarfile.TarInfo]:
        """Yield each member once, then read to the end of the file, where gzip keeps the checksum of it all."""
        while (member := self._next()) is not None:
            self._checkpoint()
            self._stream.allowance.admit(member)
            # Nothing asks for them any more, and those of folders would be kept until all is unpacked.
            member.pax_headers = {}
            yield member
            self.tar.members.clear()
        while self._stream.read(CHUNK_SIZE):
            self._checkpoint()

    def _next(self) -> tarfile.TarInfo | None:
        with self._stream.reading_headers():
            member = self.tar.next()
        if len(self.tar.pax_headers) > MAX_GLOBAL_HEADERS:
            raise tarfile.ReadError(f"more than {MAX_GLOBAL_HEADERS} global headers")
        if member is not None and member.size < 0:
            raise tarfile.ReadError(f"a member of {member.size} bytes")
        return member


@contextlib.contextmanager
def opened(path: Path, size: int, checkpoint: Checkpoint) -> Iterator[Tarball]:
    """Open a source distribution for reading, from its start to its end.

    :param size: how many bytes it may unpack to
    :raises SdistError: it cannot be read, when opened or inside the block, or unpacks to more
    """
    try:
        with _Watched(path, checkpoint) as raw, gzip.GzipFile(fileobj=raw) as file:
            stream = Stream(file, Allowance(path, size))
            # The first header is read here.
            with stream.reading_headers():
                tar = _TarFile(fileobj=stream, tarinfo=_TarInfo)  # type: ignore[arg-type]  # all that it calls is there
            with tar:
                yield Tarball(path, stream, tar, checkpoint)
    except READ_FAILURES as error:
        pass_shortage(error)
        message = f"failed to read source distribution {path}: {error}"
        cause = "It is not a gzipped tar file, or it was cut off or damaged on its way."
        raise SdistError(message, cause=cause, hint=HINT) from error


class Stream:
    """What gzip hides, which is only read forwards, and only as far as is allowed.

    Going back means to decompress from the start again, which a hostile archive could ask for with each member.
    """

    mode = "rb"

    def __init__(self, file: gzip.GzipFile, allowance: Allowance) -> None:
        self.allowance = allowance
        self.name = ""
        self._file = file
        self._is_in_headers = False
        self._headers_left = HEADERS_AT_FIRST

    @contextlib.contextmanager
    def reading_headers(self) -> Iterator[None]:
        """Have all that is read in the block be headers, which are bounded on their own."""
        self._is_in_headers = True
        self._headers_left += HEADERS_PER_MEMBER
        try:
            yield
        finally:
            self._is_in_headers = False

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end.

        :raises SdistError: there are more than allowed
        """
        if size < 0:
            raise tarfile.ReadError(f"a header of {size} bytes")
        data = self._file.read(size)
        if self._file.tell() > self.allowance.size:
            raise self.allowance.exceeded()
        if self._is_in_headers:
            self._check_headers(data)
        return data

    def seek(self, position: int) -> None:
        """Go to a later position, or to the end if that comes before it."""
        if position < self._file.tell():
            raise tarfile.ReadError("members that overlap")
        if position > self.allowance.size:
            raise self.allowance.exceeded()
        self._file.seek(position)

    def tell(self) -> int:
        """Return where the next `read` begins."""
        return self._file.tell()

    def _check_headers(self, data: bytes) -> None:
        self._headers_left -= len(data)
        if self._headers_left < 0:
            raise tarfile.ReadError("headers without end")
        if len(data) > tarfile.BLOCKSIZE and DIGITS.search(data):
            raise tarfile.ReadError("a number without end in a header")


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
        if member.size < 0 or (member.type in EXTENSION_TYPES and member.size > EXTENSION_LIMIT):
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member

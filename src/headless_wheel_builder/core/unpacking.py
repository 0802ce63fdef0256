"""How much a source distribution may unpack to, and how much it already does."""

from __future__ import annotations

import tarfile
from typing import Any, Final

from headless_wheel_builder.errors import SdistError
from headless_wheel_builder.sizes import shown_size

MAX_MEMBERS: Final = 500_000
# Of the names of all members. Folders' are kept in memory until everything is unpacked.
MAX_NAMES: Final = 64 * 1024**2


class Allowance:
    """What one source distribution may still unpack to.

    :param path: the source distribution, for messages
    :param size: in bytes: of all that its compression hides, and of all its files as they will be on disk
    """

    def __init__(self, path: object, size: int) -> None:
        self.size = size
        self._path = path
        self._left = size
        self._members = 0
        self._names = 0

    def admit(self, member: tarfile.TarInfo) -> None:
        """Take notice of the next member, before anything of it is read.

        :raises SdistError: there is too much of it, or of all members together
        """
        self._left -= _size_on_disk(member)
        self._members += 1
        self._names += len(member.name) + len(member.linkname)
        if self._left < 0:
            raise self.exceeded()
        if self._members > MAX_MEMBERS:
            raise self._too_much(f"has more than {MAX_MEMBERS} members")
        if self._names > MAX_NAMES:
            raise self._too_much(f"has members whose names are more than {shown_size(MAX_NAMES)} together")

    def exceeded(self) -> SdistError:
        """Return the error of a source distribution that unpacks to more than it may."""
        return SdistError(
            f"source distribution {self._path} unpacks to more than {shown_size(self.size)}",
            cause="It may be made to fill disks: a few bytes of gzip can stand for gigabytes.",
            hint=f"If you trust it and have the room, say how much it may be: --max-unpacked-size {_next(self.size)}",
        )

    def _too_much(self, what: str) -> SdistError:
        return SdistError(
            f"source distribution {self._path} {what}",
            cause="No project has so many; it may be made to use up memory and disks.",
            hint="If you trust it, unpack it yourself and build from its folder.",
        )


def _size_on_disk(member: tarfile.TarInfo) -> int:
    if not member.isfile():
        return 0
    # Holes of a sparse file cost nothing until somebody copies it, and its map may tell of more than its size does.
    pieces: Any = member.sparse or ()
    mapped: int = sum(max(size, 0) for _, size in pieces)
    reached: int = max((offset + max(size, 0) for offset, size in pieces), default=0)
    return max(member.size, mapped, reached)


def _next(size: int) -> str:
    return f"{max(1, -(-2 * size // 1024**3))}GiB"

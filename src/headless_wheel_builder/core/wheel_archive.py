"""A wheel as a zip file: its members, read in pieces, and the one way to say that it is refused."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator, KeysView
from pathlib import Path
from typing import IO, Final

from headless_wheel_builder.core import archive_names
from headless_wheel_builder.core.reading import CHUNK_SIZE, READ_FAILURES, Checkpoint, pass_shortage
from headless_wheel_builder.errors import ArtifactError

# What every installer can read. Python may lack the modules for the others, and their dictionaries can eat all memory.
COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED: Final = 0x1
HINT: Final = "Build the wheel again; if it comes out the same, report this to the project's build backend."


def refusal(path: Path, what: str, cause: str = "") -> ArtifactError:
    """Make the error that says what is wrong with the wheel at `path`."""
    return ArtifactError(f"wheel {path.name!r} {what}", cause=cause, hint=HINT)


class WheelArchive:
    """The members of one wheel, whose names were found to be safe and unique.

    :raises ArtifactError: any member cannot be read, or has a name that it must not have
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, checkpoint: Checkpoint) -> None:
        self.path = path
        self._archive = archive
        self._checkpoint = checkpoint
        self._members = {info.orig_filename: info for info in self._safe_members()}

    @property
    def names(self) -> KeysView[str]:
        """The names of all members, folders too."""
        return self._members.keys()

    @property
    def files(self) -> set[str]:
        """The names of all members that are files."""
        return {name for name in self._members if not name.endswith("/")}

    def read(self, name: str, limit: int) -> bytes:
        """Return the contents of a member of at most `limit` bytes."""
        data = bytearray()
        for chunk in self.chunks(name):
            data += chunk
            if len(data) > limit:
                raise refusal(self.path, f"has a {name} larger than {limit} bytes")
        return bytes(data)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the contents of a member in pieces; its CRC is checked at the end."""
        with self._opened(name) as stream:
            while chunk := self._piece(name, stream):
                self._checkpoint()
                yield chunk

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        info = self._members[name]
        if info.flag_bits & ENCRYPTED:
            raise refusal(self.path, f"has an encrypted member {archive_names.shown(name)}")
        if info.compress_type not in COMPRESSIONS:
            what = f"has the member {archive_names.shown(name)} in a compression that not every installer can read"
            raise refusal(
                self.path, what, f"Method {info.compress_type} was found; stored and deflated are understood."
            )
        try:
            stream = self._archive.open(info)
        except READ_FAILURES as error:
            pass_shortage(error)
            raise self._corrupt(name, error) from error
        with stream:
            yield stream

    def _piece(self, name: str, stream: IO[bytes]) -> bytes:
        try:
            return stream.read(CHUNK_SIZE)
        except READ_FAILURES as error:
            pass_shortage(error)
            raise self._corrupt(name, error) from error

    def _corrupt(self, name: str, error: Exception) -> ArtifactError:
        return refusal(self.path, f"has a corrupt member {archive_names.shown(name)}", str(error))

    def _safe_members(self) -> Iterator[zipfile.ZipInfo]:
        seen: set[tuple[str, ...]] = set()
        for info in self._archive.infolist():
            self._checkpoint()
            # Not `filename`: there, what is unsafe has already been replaced or cut off.
            name = info.orig_filename
            key = archive_names.parts(name)
            if reason := _fault(name) or ("is there twice" if key in seen else ""):
                raise refusal(self.path, f"has an unusable member: {archive_names.shown(name)} {reason}")
            seen.add(key)
            yield info


def _fault(name: str) -> str:
    if "\\" in name:
        return "has a backslash in its name"
    return archive_names.fault(name) or ("" if archive_names.parts(name) else "names nothing")


def _check_overlap(path: Path, archive: zipfile.ZipFile) -> None:
    # What is compressed once could be a member a million times, and only newer Pythons look for that.
    if sum(info.compress_size for info in archive.infolist()) > path.stat().st_size:
        raise refusal(path, "has members that overlap", "That is made to keep whoever reads it busy for ever.")


@contextlib.contextmanager
def opened(path: Path, checkpoint: Checkpoint) -> Iterator[WheelArchive]:
    """Open the wheel at `path` for reading.

    :raises ArtifactError: it is not a readable zip file, or names members as it must not
    """
    try:
        archive = zipfile.ZipFile(path)
    except READ_FAILURES as error:
        pass_shortage(error)
        raise refusal(path, "cannot be read as a zip file", str(error)) from error
    with archive:
        _check_overlap(path, archive)
        yield WheelArchive(path, archive, checkpoint)

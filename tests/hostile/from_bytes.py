"""Hostile inputs as plain bytes, for whoever changes bytes and looks what that does."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, Final

from hostile.answers_of_engines import ASKED, Answers
from hostile.wheels import NAME, Members, honest_record, zipped

# Of what comes with a place, in the order of the first byte.
PLACES: Final = (*["file"] * 12, "folder", "link", "pipe", "nothing")
STATUSES: Final = (200, 204, 302, 400, 404, 500)

Pieces = Sequence[tuple[int, "int | None", bytes]]


def mended(content: bytes) -> bytes:
    """Return an archive whose headers have right checksums, or nothing in it would ever be looked at."""
    data = bytearray(content)
    at = 0
    while at + 512 <= len(data):
        if any(data[at : at + 512]):
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
        at += 512 + 512 * -(-_size(data[at + 124 : at + 136]) // 512)
    return bytes(data)


def _size(field: bytes) -> int:
    try:
        return max(tarfile.nti(field), 0)  # type: ignore[attr-defined, no-any-return]
    except tarfile.TarError:
        return 0


def _wheel(data: bytes) -> tuple[str, bytes]:
    # The zip file itself, or its members: their names and what is in them, with right sums.
    if data[:1] <= b"\x7f":
        return NAME, data[1:]
    members: list[tuple[str, bytes]] = []
    rest = data[1:]
    while len(rest) > 3:
        name_size, size = struct.unpack(">BH", rest[:3])
        members.append((rest[3 : 3 + name_size].decode("utf-8", "replace"), rest[3 + name_size :][:size]))
        rest = rest[3 + name_size + size :]
    is_recorded = not any(name.endswith("/RECORD") for name, _ in members)
    record = [("pkg-1.0.dist-info/RECORD", honest_record(members))] if is_recorded else []
    return NAME, zipped([*members, *record], zipfile.ZIP_STORED)


def _bytes_of_wheel(wheel: tuple[str, bytes]) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(wheel[1])) as archive:
            return b"\xff" + _bytes_of_members([(one.filename, archive.read(one)) for one in archive.infolist()])
    except Exception:  # noqa: BLE001 - some are meant to be no archives
        return b"\0" + wheel[1]


def _bytes_of_members(members: Members) -> bytes:
    named = [(name.encode("utf-8", "replace")[:255], data[:65_535]) for name, data in members]
    return b"".join(struct.pack(">BH", len(name), len(data)) + name + data for name, data in named)


def _pieces(data: bytes) -> Pieces:
    pieces: list[tuple[int, int | None, bytes]] = []
    while len(data) > 8:
        stream, has_length, length, size = struct.unpack(">BBIH", data[:8])
        pieces.append((stream, length if has_length % 2 else None, data[8 : 8 + size]))
        data = data[8 + size :]
    return pieces


def _bytes_of_pieces(pieces: Pieces) -> bytes:
    return b"".join(
        struct.pack(">BBIH", stream, length is not None, length or 0, len(content)) + content
        for stream, length, content in pieces
        if len(content) < 2**16
    )


def _archive(data: bytes) -> tuple[bytes, int]:
    return mended(data[2:]), 100 + int.from_bytes(data[:2], "big") % 4900


def _engine(data: bytes) -> Answers:
    # The bodies, each on a line of its own; statuses come first.
    statuses, _, rest = data.partition(b"\n")
    codes = [STATUSES[one % len(STATUSES)] for one in statuses.ljust(len(ASKED), b"\0")]
    bodies = [*rest.split(b"\n", len(ASKED) - 1), *[b""] * len(ASKED)]
    return dict(zip(ASKED, zip(codes, bodies, strict=False), strict=False))


def _bytes_of_engine(answers: Answers) -> bytes:
    statuses = bytes(STATUSES.index(code) for code, _ in answers.values())
    return b"\n".join([statuses, *(body for _, body in answers.values())])


# How an input is made of bytes, and bytes of an input.
ENCODINGS: Final[dict[str, tuple[Callable[[bytes], Any], Callable[[Any], bytes]]]] = {
    "sdists": (lambda data: gzip.compress(mended(data), 1, mtime=0), gzip.decompress),
    "wheels": (_wheel, _bytes_of_wheel),
    "pyproject.toml": (bytes, bytes),
    "answers of hooks": (
        lambda data: (data[1:], PLACES[(data[:1] or b"\0")[0] % len(PLACES)]),
        lambda answer: bytes([PLACES.index(answer[1])]) + answer[0],
    ),
    "frames of hosts": (
        lambda data: (data[1:], data[:1] > b"\x7f"),
        lambda speech: (b"\xff" if speech[1] else b"\0") + speech[0],
    ),
    "pieces of an engine's connection": (_pieces, _bytes_of_pieces),
    "names and texts": (bytes, bytes),
    "answers of an engine": (_engine, _bytes_of_engine),
    "archives of an engine": (
        _archive,
        lambda archive: (archive[1] - 100).to_bytes(2, "big") + archive[0],
    ),
}

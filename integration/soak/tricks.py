"""Source distributions that nobody should trust, by name: each does one thing that no honest one does."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import projects
from hostile.sdists import field, header, member, pax

TOP: Final = "demo-1.0"
# As high as these names go, everything is below the folder of the trial.
STEPS: Final = range(1, 9)
# What a bomb unpacks to, in bytes; one piece of it is compressed and repeated.
BOMB: Final = 3 * 2**30
PIECE: Final = 64 * 2**20
MANY: Final = 1_000_000

# Pieces of a gzip file; the tar file goes on from one to the next. `outside` is a folder that exists.
Trick: TypeAlias = Callable[[Path], Iterator[bytes]]


def honest(name: str = "demo") -> bytes:
    """Return the members of an sdist whose backend is in its tree."""
    backend = f"{projects.BACKEND}\n\n{projects.SILENT}"
    files = {
        "PKG-INFO": projects.PKG_INFO.format(name=name),
        "pyproject.toml": projects.TABLE.format(requires="[]"),
        "backend.py": backend,
    }
    return b"".join(member(f"{TOP}/{file}", text.encode()) for file, text in files.items())


def _with(*extra: bytes) -> Trick:
    return lambda _outside: iter([honest(), *extra, bytes(1024)])


def _outside(make: Callable[[Path], list[bytes]]) -> Trick:
    return lambda outside: iter([honest(), *make(outside), bytes(1024)])


def _link(name: str, target: str, kind: bytes = b"2") -> bytes:
    return member(f"{TOP}/{name}", kind=kind, link=target)


def _evil(name: str) -> bytes:
    return member(name, b"evil")


def _long_named(name: str, data: bytes = b"") -> bytes:
    return pax([("path", name)]) + member("x", data)


def _bomb(before: bytes, size: int = BOMB) -> Iterator[bytes]:
    yield before
    for _ in range(size // PIECE):
        yield ZEROS
    yield bytes(1024)


def _many(_outside: Path) -> Iterator[bytes]:
    yield honest()
    for start in range(0, MANY, 10_000):
        yield b"".join(header(f"{TOP}/{number // 1000}/{number}", b"0", 0) for number in range(start, start + 10_000))
    yield bytes(1024)


# What our command line has to build, as it does no harm; and what it may build if there is room.
HONEST: Final = "none: an honest one"
HARMLESS: Final = frozenset(
    {
        "link to itself",
        "setuid, for all to write",
        "names that differ in case",
        "names that differ in Unicode's forms",
        "names of devices of Windows",
        "names with control characters",
        "names that are no UTF-8",
        "a member twice",
    }
)
BIG: Final = frozenset(
    {
        "gigabytes after the end",
        "bomb: a file of 3 GiB",
        "bomb: PKG-INFO of 3 GiB",
        "bomb: pyproject.toml of 1 GiB",
    }
)
ZEROS: Final = bytes(PIECE)
GZIP: Final = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
UP: Final = ["../" * steps for steps in STEPS]

TRICKS: Final[dict[str, Trick]] = {
    HONEST: _with(),
    "absolute name": _outside(lambda outside: [_evil(f"{outside}/evil")]),
    "absolute name in a pax header": _outside(lambda outside: [_long_named(f"{outside}/evil", b"evil")]),
    "absolute name in a global pax header": _outside(
        lambda outside: [pax([("path", f"{outside}/evil")], b"g") + _evil("x")]
    ),
    "absolute name with two slashes": _outside(lambda outside: [_evil(f"/{outside}/evil")]),
    "name that leaves": _with(*[_evil(f"{TOP}/{up}evil") for up in UP]),
    "name that leaves, in a GNU header": _with(
        *[member("x", f"{TOP}/{up}evil".encode(), b"L") + _evil("x") for up in UP]
    ),
    "name that leaves with backslashes": _with(_evil(f"{TOP}\\..\\..\\evil")),
    "name with a drive": _with(_evil("C:/evil")),
    "link to an absolute folder, then a file in it": _outside(
        lambda outside: [_link("l", f"{outside}"), _evil(f"{TOP}/l/evil")]
    ),
    "link to a folder above, then a file in it": _with(
        *[part for number, up in enumerate(UP) for part in (_link(f"l{number}", up), _evil(f"{TOP}/l{number}/evil"))]
    ),
    "links through links, then a file": _with(_link("a", "."), _link("a/b", "../.."), _evil(f"{TOP}/a/b/evil")),
    "link to a file outside, then that file again": _outside(
        lambda outside: [_link("l", f"{outside}/precious"), member(f"{TOP}/l", b"evil")]
    ),
    "link to a file outside": _with(_link("l", "/etc/passwd")),
    "hard link to a file outside": _outside(lambda outside: [_link("l", f"{outside}/precious", b"1")]),
    "hard link to a file outside, then that file again": _outside(
        lambda outside: [_link("l", f"{outside}/precious", b"1"), member(f"{TOP}/l", b"evil")]
    ),
    "link in the place of the top-level folder": _outside(
        lambda outside: [member(TOP, kind=b"2", link=f"{outside}"), _evil(f"{TOP}/evil")]
    ),
    "link to itself": _with(_link("l", "l")),
    "character device": _with(_link("d", "", b"3")),
    "block device": _with(_link("d", "", b"4")),
    "named pipe": _with(_link("p", "", b"6")),
    "sparse file of 1 TB": _with(
        header(f"{TOP}/s", b"S", 0, extra=bytes(138) + field(10**12, 12))
    ),
    "sparse file of 1 TB, in pax headers": _with(
        pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", f"{TOP}/s")])
        + pax([("GNU.sparse.realsize", str(10**12))])
        + member("s", b"1\n1000000000000\n0\n".ljust(512, b"\0"))
    ),
    "negative size": _with(member(f"{TOP}/a", b"", size=-512), member(f"{TOP}/b")),
    "negative size in a pax header": _with(pax([("size", "-1024")]) + member(f"{TOP}/a", bytes(512))),
    "size of a gigabyte that is not there": _with(header(f"{TOP}/a", b"0", 2**30)),
    "setuid, for all to write": _with(member(f"{TOP}/a", b"x")),
    "names that differ in case": _with(member(f"{TOP}/Readme", b"1"), member(f"{TOP}/README", b"2")),
    "names that differ in Unicode's forms": _with(member(f"{TOP}/ä", b"1"), member(f"{TOP}/a\u0308", b"2")),
    "names of devices of Windows": _with(member(f"{TOP}/CON"), member(f"{TOP}/nul.txt"), member(f"{TOP}/a. ")),
    "names with control characters": _with(member(f"{TOP}/\x1b[2J\x07\n::error::x")),
    "names that are no UTF-8": _with(member(f"{TOP}/\udcff\udcfe")),
    "name with a null": _with(_long_named(f"{TOP}/a\0b")),
    "name of 5,000 characters": _with(_long_named(f"{TOP}/" + "x" * 5000)),
    "2,000 folders deep": _with(_long_named(f"{TOP}/" + "d/" * 2000 + "f")),
    "a member twice": _with(member(f"{TOP}/a", b"1"), member(f"{TOP}/a", b"2")),
    "a file, then a folder of its name": _with(member(f"{TOP}/a"), member(f"{TOP}/a/b")),
    "two top-level folders": _with(member("other-1.0/a")),
    "a file beside the folder": _with(member("evil")),
    "PKG-INFO of another project": lambda _: iter([honest("other"), bytes(1024)]),
    "no PKG-INFO and no pyproject.toml": lambda _: iter([member(f"{TOP}/a"), bytes(1024)]),
    "hostile pyproject.toml": _with(member(f"{TOP}/pyproject.toml", b"a = " + b"[" * 100_000)),
    "backend outside of the tree": _with(
        member(f"{TOP}/pyproject.toml", projects.TABLE.format(requires="[]").replace('["."]', '["../"]').encode())
    ),
    "links, 200,000 of them": _with(b"".join(_link(f"l{number}", "PKG-INFO") for number in range(200_000))),
    "cut off": lambda _: iter([honest()[:-700]]),
    "gigabytes after the end": lambda _: _bomb(honest() + bytes(1024)),
    "pax header of gigabytes": lambda _: _bomb(honest() + header("x", b"x", BOMB)),
    "name of gigabytes": lambda _: _bomb(honest() + header("x", b"L", BOMB)),
    "bomb: a file of 3 GiB": lambda _: _bomb(honest() + header(f"{TOP}/zeros", b"0", BOMB)),
    "bomb: PKG-INFO of 3 GiB": lambda _: _bomb(honest() + header(f"{TOP}/PKG-INFO", b"0", BOMB)),
    "bomb: pyproject.toml of 1 GiB": lambda _: _bomb(honest() + header(f"{TOP}/pyproject.toml", b"0", 2**30), 2**30),
    "1,000,000 members": _many,
}  # fmt: skip


def write(trick: str, path: Path, outside: Path) -> None:
    """Write the archive, in one piece as far as gzip goes: not everybody reads on after the first."""
    checksum, size, zeros = 0, 0, b""
    with path.open("wb") as file:
        file.write(GZIP)
        for piece in TRICKS[trick](outside):
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
            if piece is ZEROS:
                zeros = zeros or _deflated(ZEROS, zlib.Z_FULL_FLUSH)
            file.write(zeros if piece is ZEROS else _deflated(piece, zlib.Z_FULL_FLUSH))
        file.write(_deflated(b"", zlib.Z_FINISH) + struct.pack("<II", checksum, size % 2**32))


def _deflated(data: bytes, end: int) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(end)

"""Source distributions that nobody should trust."""

from __future__ import annotations

import gzip
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

from hostile.properties import Work, nothing_outside, only_our_errors, written
from hypothesis import strategies as st

from headless_wheel_builder.core.analysis.tree import read_sdist
from headless_wheel_builder.core.extraction import kept_sdist
from headless_wheel_builder.core.sdist import HAS_DATA_FILTER, check_sdist, read_file, unpack_sdist
from headless_wheel_builder.errors import HeadlessWheelBuilderError

# What one of them may unpack to.
SIZE = 256 * 1024
TOP = "pkg-1.0"
PKG_INFO = b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n"

TAME_PARTS = st.sampled_from(["a", "A", "b", "ä", "a\u0308", "PKG-INFO", "pkg-1.0", "\x1b[2J", "a\nb", "\u202e", "CON"])
TAME = st.lists(TAME_PARTS, min_size=1, max_size=3).map(lambda parts: "/".join([TOP, *parts]))
PARTS = st.one_of(TAME_PARTS, st.sampled_from(["..", ".", "", "C:", "x" * 300]))
WILD = st.one_of(
    st.builds(
        lambda root, parts, separator: root + separator.join(parts),
        st.sampled_from([f"{TOP}/", "", "/", "//", "C:\\", "./", "\\\\host\\"]),
        st.lists(PARTS, max_size=6),
        st.sampled_from(["/", "\\", "//"]),
    ),
    st.just(f"{TOP}/" + "d/" * 500),
    st.just(TOP),
)
NAMES = st.one_of(TAME, TAME, TAME, WILD)
TARGETS = st.one_of(st.lists(st.one_of(TAME_PARTS, st.just("..")), min_size=1, max_size=5).map("/".join), TAME, WILD)
TYPES = st.one_of(
    st.sampled_from([b"0", b"1", b"2", b"5", b"S", b"x", b"g", b"L", b"K"]),
    st.sampled_from([b"\0", b"3", b"4", b"6", b"7", b"D", b"X", b"Z"]),
)
NUMBERS = st.one_of(
    st.integers(-1200, 70_000), st.sampled_from([-(2**62), 2**20, 2**31, 2**40, 2**63 - 1, 2**80, -1, -512, 0])
)
BODIES = st.one_of(
    st.binary(max_size=40), st.sampled_from([PKG_INFO, bytes(600), b"0\n" * 300, b"9" * 2000, b"1" * 200_000])
)
KEYWORDS = st.sampled_from(
    [
        "path", "linkpath", "size", "mtime", "uid", "uname", "hdrcharset", "comment", "GNU.sparse.map",
        "GNU.sparse.size",
        "GNU.sparse.realsize", "GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.offset",
        "GNU.sparse.numbytes", "GNU.sparse.numblocks",
    ]
)  # fmt: skip
VALUES = st.one_of(
    NAMES,
    NUMBERS.map(str),
    st.sampled_from(["BINARY", "1", "0", "nan", "inf", "1e400", "-1", "0,10,20,5", "1,-5", "9" * 5000]),
)


def field(number: int, width: int) -> bytes:
    """Return a number as a header has it; one that is too large for that as another one."""
    try:
        return tarfile.itn(number, width, tarfile.GNU_FORMAT)  # type: ignore[attr-defined, no-any-return]
    except (ValueError, OverflowError):
        return b"\xff" * width


def header(name: str, kind: bytes, size: int, link: str = "", *, extra: bytes = b"") -> bytes:
    """Return 512 bytes that say all this, whether it can be or not, with the right checksum.

    :param extra: for where the numbers of a sparse file are
    """
    block = bytearray(512)
    block[0:100] = name.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
    block[100:124] = field(0o6755, 8) + field(0, 8) + field(0, 8)
    block[124:148] = field(size, 12) + field(1_000_000_000, 12)
    block[148:157] = b" " * 8 + kind
    block[157:257] = link.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
    block[257:265] = b"ustar  \0" if kind in b"SLK" else b"ustar\x0000"
    block[345 : 345 + len(extra[:155])] = extra[:155]
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """Fill up to whole blocks."""
    return data + bytes(-len(data) % 512)


def member(name: str, data: bytes = b"", kind: bytes = b"0", link: str = "", size: int | None = None) -> bytes:
    """Return a member that is as it says, unless its size is told otherwise."""
    return header(name, kind, len(data) if size is None else size, link) + padded(data)


def record(keyword: str, value: str) -> bytes:
    """Return a record of a pax header."""
    body = b" %s=%s\n" % (keyword.encode(), value.encode("utf-8", "surrogateescape"))
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(records: list[tuple[str, str]], kind: bytes = b"x") -> bytes:
    """Return a pax header, for what follows."""
    return member("pax", b"".join(record(*one) for one in records), kind)


RECORDS = st.lists(st.tuples(KEYWORDS, VALUES), max_size=4)
TAME_MEMBERS = st.one_of(
    st.builds(member, TAME, BODIES),
    st.builds(member, TAME, kind=st.just(b"5")),
    st.builds(member, TAME, kind=st.sampled_from([b"1", b"2", b"2"]), link=TARGETS),
)
PAX_MEMBERS = st.builds(
    lambda records, kind, rest: pax(records, kind) + rest,
    RECORDS,
    st.sampled_from([b"x", b"x", b"g", b"X"]),
    st.builds(member, NAMES, BODIES),
)
PAX_SPARSE_MEMBERS = st.builds(
    lambda size, entries, rest: (
        pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", f"{TOP}/s")])
        + pax([("GNU.sparse.realsize", str(size))])
        + member("s", b"%d\n" % entries + rest)
    ),
    NUMBERS,
    NUMBERS,
    BODIES,
)
SPARSE_MEMBERS = st.builds(
    lambda name, size, numbers, body: (
        header(name, b"S", size, extra=bytes(41) + b"".join(field(one, 12) for one in numbers)) + padded(body)
    ),
    NAMES,
    NUMBERS,
    st.lists(NUMBERS, max_size=9),
    BODIES,
)
# Each all that is wrong with an archive: what has more wrong with it is mostly refused for something else.
EVILS = st.one_of(
    st.builds(
        member,
        st.sampled_from([f"{TOP}/../evil", f"{TOP}/../../evil", f"{TOP}\\..\\evil", f"/{TOP}/evil", f"C:/{TOP}/evil"]),
        st.just(b"evil"),
    ),
    st.builds(
        lambda target, kind: member(f"{TOP}/link", kind=kind, link=target),
        st.sampled_from(["..", "../..", "/", "/etc/passwd", "a/../../b", "../evil"]),
        st.sampled_from([b"1", b"2"]),
    ),
    st.builds(
        lambda target, below: member(f"{TOP}/link", kind=b"2", link=target) + member(f"{TOP}/link/{below}", b"evil"),
        st.sampled_from([".", "a", ".."]),
        st.sampled_from(["evil", "../evil"]),
    ),
    st.sampled_from([b"3", b"4", b"6", b"7"]).map(lambda kind: member(f"{TOP}/special", kind=kind)),
)
ONE_EVIL = st.builds(lambda tame, evil: [*tame, evil], st.lists(TAME_MEMBERS, max_size=2), EVILS)
WILD_MEMBERS = st.builds(member, NAMES, BODIES, TYPES, TARGETS, NUMBERS)
MEMBERS = st.one_of(
    TAME_MEMBERS, TAME_MEMBERS, TAME_MEMBERS, WILD_MEMBERS, PAX_MEMBERS, PAX_SPARSE_MEMBERS, SPARSE_MEMBERS
)


def compressed(parts: list[bytes], has_identity: bool, edits: list[tuple[int, int]], cut: int, tail: bytes) -> bytes:
    """Return the file, with some of its bytes changed or gone."""
    first = member(f"{TOP}/PKG-INFO", PKG_INFO) + member(f"{TOP}/setup.py") if has_identity else b""
    data = bytearray(first + b"".join(parts) + bytes(1024) + tail)
    for position, byte in edits:
        data[position % len(data)] = byte
    return gzip.compress(bytes(data[: len(data) - cut]), 1, mtime=0)


SDISTS = st.builds(
    compressed,
    st.one_of(*[st.lists(TAME_MEMBERS, max_size=8)] * 2, st.lists(MEMBERS, max_size=6), ONE_EVIL),
    st.integers(0, 9).map(bool),
    st.one_of(*[st.just([])] * 4, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=3)),
    st.sampled_from([0, 0, 0, 0, 0, 0, 512, 1024, 1300]),
    st.sampled_from([b"", b"", b"", b"", b"tail", bytes(5000), bytes(2 * SIZE)]),
)


def survive_sdist(content: bytes) -> None:
    """Do all that we do with a source distribution."""
    with nothing_outside() as place:
        path = place / f"{TOP}.tar.gz"
        path.write_bytes(content)
        is_accepted = _accepts(path)
        for into in ("unpacked", "kept"):
            (place / into).mkdir()
        with only_our_errors():
            unpack_sdist(path, place / "unpacked", Work(), SIZE)
        assert written(place / "unpacked") <= SIZE
        with only_our_errors(), kept_sdist(path, TOP, place / "kept", Work(), SIZE):
            assert is_accepted or (place / "kept" / TOP).is_dir()
        readers: list[Callable[[], object]] = [
            lambda: read_file(path, "pyproject.toml", Work(), SIZE),
            lambda: read_sdist(path, Work(), SIZE),
        ]
        for reader in readers:
            with only_our_errors():
                reader()


def _accepts(path: Path) -> bool:
    with only_our_errors():
        try:
            check_sdist(path, Work(), SIZE)
        except HeadlessWheelBuilderError:
            assert [one.name for one in path.parent.iterdir()] == [path.name]
            raise
        check_tame(path)
        return True
    return False


def check_tame(path: Path) -> None:
    """See for ourselves that nothing which was found to be tame is not, whatever else keeps it from doing harm."""
    with tarfile.open(path) as archive:
        for one in archive:
            assert one.isfile() or one.isdir() or one.issym() or one.islnk(), one
            for name in (one.name, *([one.linkname] if one.issym() or one.islnk() else [])):
                assert not re.match(r"[/\\]|[A-Za-z]:", name), name
            assert ".." not in re.split(r"[/\\]", one.name), one
            if HAS_DATA_FILTER:
                tarfile.data_filter(one, os.fspath(path.parent / "unpacked"))

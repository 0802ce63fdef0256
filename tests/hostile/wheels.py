"""Wheels that nobody should trust."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hostile.properties import Work, nothing_outside, only_our_errors
from hypothesis import strategies as st

from headless_wheel_builder.core.artifacts import take_artifact
from headless_wheel_builder.core.metadata import parsed_metadata, wheel_metadata
from headless_wheel_builder.core.wheel import check_wheel
from headless_wheel_builder.events import silent

INFO = "pkg-1.0.dist-info"
NAME = "pkg-1.0-py3-none-any.whl"
MODULE = "pkg/__init__.py"
METADATA = b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

Members = Sequence[tuple[str, bytes]]

FILE_NAMES = st.one_of(
    st.just(NAME),
    st.just(NAME),
    st.sampled_from(["pkg-1.0-1-py3-none-any.whl", "Pkg-1.0-py2.py3-none-any.whl", "other-1.0-py3-none-any.whl"]),
    st.just("x.whl"),
    st.builds("pkg-1.0-{0}-{0}-{0}.whl".format, st.integers(1, 38).map(lambda count: ".".join(["a"] * count))),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["pkg/a.py", "pkg/b.py", "pkg/A.py", "PKG/a.py", "pkg/", "a\n::error::b", "\x1b[2J", "\u202e"]),
    st.sampled_from(["pkg/./a.py", "../evil", "/evil", "C:/evil", "a\\b", "a//b", ".", "", "a\0b", "x" * 5000]),
    st.just("d/" * 300),
    st.sampled_from([f"{INFO}/RECORD.jws", f"{INFO}/METADATA", "x.dist-info/METADATA", f"{INFO}/WHEEL", f"{INFO}/"]),
)  # fmt: skip
TEXTS = st.sampled_from(
    [
        METADATA,
        WHEEL,
        b"",
        b" \n" * 3000,
        b"a:\n" * 2000,
        b"Tag: " + b".".join([b"a"] * 900) + b"-b.c-d\n",
        b"\xff\x00:",
    ]
)
HEADERS = st.tuples(
    st.sampled_from([b"Name", b"Version", b"Wheel-Version", b"Tag", b"X"]),
    st.sampled_from(
        [b"pkg", b"1.0", b"2.0", b"py3-none-any", b"a.a-b-c", b"\x1b[2J", b"9" * 5000, b"\n more", b"1." * 50]
    ),
).map(b": ".join)
FILES = st.one_of(TEXTS, st.binary(max_size=30), st.lists(HEADERS, max_size=5).map(b"\n".join))


def honest_record(members: Members) -> bytes:
    """Return a RECORD that is right."""
    rows = [f"{name},{_digest(data)},{len(data)}" for name, data in members if not name.endswith("/")]
    return "\n".join([*rows, f"{INFO}/RECORD,,", ""]).encode("utf-8", "surrogatepass")


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


FIELDS = st.one_of(
    NAMES,
    st.sampled_from(["", "sha256=x", "md5=x", "=", "sha256", "sha512=" + "a" * 99, "-1", "9" * 5000]),
    st.sampled_from(['"', ",", "\n", "0"]),
)
ROWS = st.lists(st.lists(FIELDS, min_size=2, max_size=4).map(",".join), max_size=6).map("\n".join)


def zipped(members: Members, compression: int) -> bytes:
    """Return a zip file that has these members under just these names."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members:
                info = zipfile.ZipInfo("x")
                info.filename = info.orig_filename = name
                info.compress_type = compression
                archive.writestr(info, data)
    return buffer.getvalue()


def wheel(
    extra: Members,
    record: str | None,
    edits: Sequence[tuple[int, int]],
    missing: str,
    *,
    compression: int,
    changed: bytes = b"",
) -> bytes:
    """Return a wheel with members that it should not have, or without those that it should.

    :param record: rows that RECORD has besides; None for a right one
    :param changed: what the module holds, of which RECORD has the size and hash of another
    """
    good: Members = [(MODULE, b"pass"), (f"{INFO}/METADATA", METADATA), (f"{INFO}/WHEEL", WHEEL), *extra]
    members = [one for one in good if not missing or not one[0].endswith(missing)]
    rows = honest_record(members) + (record or "").encode()
    members = [(name, changed if changed and name == MODULE else data) for name, data in members]
    content = bytearray(zipped([*members, (f"{INFO}/RECORD", rows)], compression))
    for position, byte in edits:
        content[position % len(content)] = byte
    return bytes(content)


WHEELS = st.tuples(
    FILE_NAMES,
    st.builds(
        wheel,
        st.lists(st.tuples(NAMES, FILES), max_size=3),
        st.one_of(st.none(), st.none(), ROWS),
        st.one_of(*[st.just([])] * 3, st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4)),
        st.sampled_from(["", "", "", "METADATA", "WHEEL", "__init__.py"]),
        compression=st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2]),
        # Of the same size, and of another.
        changed=st.sampled_from([b"", b"", b"", b"evil", b"evil()"]),
    ),
)


def survive_wheel(named: tuple[str, bytes]) -> None:
    """Do all that we do with a wheel."""
    name, content = named
    with nothing_outside() as place:
        path = place / name
        path.write_bytes(content)
        readers: list[Callable[[], object]] = [
            lambda: _check_honest(path),
            lambda: parsed_metadata(wheel_metadata(str(path))),
            lambda: take_artifact(str(place), name, "wheel", output_dir="dist", report=silent, checkpoint=Work()),
        ]
        for reader in readers:
            with only_our_errors():
                reader()
        assert [one.name for one in place.iterdir()] == [name]


def _check_honest(path: Path) -> None:
    """Check a wheel, and see for ourselves that one which was found to be right is."""
    check_wheel(path, Work())
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(names), names
        assert not any(re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name) for name in names), names
        files = {name for name in names if not name.endswith("/")}
        (record,) = [name for name in files if name.endswith(".dist-info/RECORD")]
        rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(record).decode(), newline="")) if row}
        for name in files - {record, f"{record}.jws", f"{record}.p7s"}:
            told, size = rows[name]
            assert size in {"", str(len(archive.read(name)))}, name
            assert not told.startswith("sha256=") or told.rstrip("=") == _digest(archive.read(name)), name

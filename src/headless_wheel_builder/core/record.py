"""RECORD: the list of a wheel's files and their hashes (PEP 376, PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from typing import Final

from headless_wheel_builder.core.archive_names import shown
from headless_wheel_builder.core.wheel_archive import WheelArchive, refusal
from headless_wheel_builder.errors import ArtifactError
from headless_wheel_builder.values import value

RECORD_LIMIT: Final = 64 * 1024 * 1024
COLUMNS: Final = 3
NAMES_SHOWN: Final = 5
# Rows for what the wheel does not have: folders, and what only signatures know.
MAX_STRANGERS: Final = 100_000
# PEP 427: sha256 or better.
ALGORITHMS: Final = frozenset(
    {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"},
)


@value
class Entry:
    """One row; both fields may be empty."""

    hash: str
    size: str


def check_record(archive: WheelArchive, dist_info: str) -> list[str]:
    """Check that RECORD lists exactly the files of the wheel, and that the hashes in it are strong and hold.

    :returns: the files without a hash, which installers accept
    :raises ArtifactError: it does not
    """
    entries = _read(archive, f"{dist_info}/RECORD")
    # A file cannot contain its own hash, nor that of what signs it.
    exempt = {f"{dist_info}/RECORD{suffix}" for suffix in ("", ".jws", ".p7s")}
    files = archive.files - exempt
    listed = {name for name in entries.keys() - exempt if name not in archive.names or not name.endswith("/")}
    _refuse_any(archive, files - listed, "has files that its RECORD does not list")
    _refuse_any(archive, listed - files, "lists files in its RECORD that it does not have")
    for name in sorted(files):
        _check_file(archive, name, entries[name])
    return sorted(name for name in files if not entries[name].hash)


def _refuse_any(archive: WheelArchive, names: Iterable[str], what: str) -> None:
    if some := sorted(names):
        more = f" and {len(some) - NAMES_SHOWN} more" if len(some) > NAMES_SHOWN else ""
        raise refusal(archive.path, what, ", ".join(shown(name) for name in some[:NAMES_SHOWN]) + more)


def _read(archive: WheelArchive, name: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    try:
        text = archive.read(name, RECORD_LIMIT).decode()
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if row:
                _add(entries, row, len(archive.names) + MAX_STRANGERS)
    except (ValueError, csv.Error) as error:
        raise refusal(archive.path, "has a RECORD that cannot be read", str(error)) from error
    return entries


def _add(entries: dict[str, Entry], row: list[str], most: int) -> None:
    if len(row) != COLUMNS:
        raise ValueError(f"a row must have {COLUMNS} columns, and {shown(','.join(row))} has {len(row)}")
    name, entry = row[0], Entry(row[1], row[2])
    if entries.setdefault(name, entry) != entry:
        raise ValueError(f"it lists {shown(name)} twice, and the rows differ")
    if len(entries) > most:
        raise ValueError(f"it lists {MAX_STRANGERS} files more than there are")


def _check_file(archive: WheelArchive, name: str, entry: Entry) -> None:
    algorithm, _, expected = entry.hash.partition("=")
    if entry.hash and algorithm not in ALGORITHMS:
        raise _wrong(archive, name, f"{shown(algorithm)} is not among the hashes that PEP 427 allows: sha256 or better")
    size, found = _measure(archive, name, algorithm or "sha256")
    if entry.size and entry.size != str(size):
        raise _wrong(archive, name, f"RECORD says {shown(entry.size)} bytes, and it has {size}")
    if entry.hash and found != expected.rstrip("="):
        raise _wrong(archive, name, f"RECORD says {shown(entry.hash)}, and it has {algorithm}={found}")


def _measure(archive: WheelArchive, name: str, algorithm: str) -> tuple[int, str]:
    digest, size = hashlib.new(algorithm), 0
    for chunk in archive.chunks(name):
        digest.update(chunk)
        size += len(chunk)
    return size, base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def _wrong(archive: WheelArchive, name: str, cause: str) -> ArtifactError:
    return refusal(archive.path, f"does not fit its RECORD at {shown(name)}", cause)

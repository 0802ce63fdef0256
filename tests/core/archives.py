"""Small real archives for tests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

METADATA = b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n\nText.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
PLAIN = {"pkg/__init__.py": b"x = 1\n", "pkg-1.0.dist-info/METADATA": METADATA, "pkg-1.0.dist-info/WHEEL": WHEEL}


def digest(data: bytes, algorithm: str = "sha256") -> str:
    raw = hashlib.new(algorithm, data).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def record(files: Mapping[str, bytes], dist_info: str) -> str:
    rows = [f"{name},{digest(data)},{len(data)}\n" for name, data in files.items() if not name.endswith("/")]
    return "".join([*rows, f"{dist_info}/RECORD,,\n"])


def make_wheel(
    folder: Path,
    files: Mapping[str, bytes] = PLAIN,
    *,
    name: str = "pkg-1.0-py3-none-any.whl",
    dist_info: str = "pkg-1.0.dist-info",
    record_text: str | None = None,
    extra: Iterable[tuple[str, bytes]] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Make a wheel of `files` with a RECORD that fits; `extra` members are not in it."""
    path = folder / name
    text = record(files, dist_info) if record_text is None else record_text
    with zipfile.ZipFile(path, "w", compression) as archive:
        for member, data in [*files.items(), (f"{dist_info}/RECORD", text.encode()), *extra]:
            archive.writestr(_info(member, compression), data)
    return path


def _info(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.compress_type = compression
    return info


@dataclass(frozen=True)
class Member:
    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    mtime: int = 1_000_000_000


def pkg_info(name: str = "pkg", version: str = "1.0") -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


def plain(top: str = "pkg-1.0", name: str = "pkg", version: str = "1.0") -> list[Member]:
    return [Member(f"{top}/PKG-INFO", pkg_info(name, version)), Member(f"{top}/setup.py", b"# setup\n", mode=0o755)]


def tar_bytes(members: Iterable[Member], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as tar:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size, info.type, info.linkname = len(member.data), member.type, member.target
            info.mode, info.mtime = member.mode, member.mtime
            tar.addfile(info, io.BytesIO(member.data))
    return buffer.getvalue()


def make_sdist(
    folder: Path,
    members: Iterable[Member] | None = None,
    *,
    name: str = "pkg-1.0.tar.gz",
    tar_format: int = tarfile.PAX_FORMAT,
) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(tar_bytes(plain() if members is None else members, tar_format)))
    return path


def symlink(name: str, target: str) -> Member:
    return Member(name, type=tarfile.SYMTYPE, target=target)


def hard_link(name: str, target: str) -> Member:
    return Member(name, type=tarfile.LNKTYPE, target=target)


def folder_member(name: str) -> Member:
    return Member(name, type=tarfile.DIRTYPE, mode=0o755)


class Stopped(BaseException):
    """What the checkpoint of a cancelled build raises."""


class StopAfter:
    """A checkpoint that cancels at its nth call, and counts."""

    def __init__(self, calls: int) -> None:
        self.calls = 0
        self._limit = calls

    def __call__(self) -> None:
        self.calls += 1
        if self.calls >= self._limit:
            raise Stopped

"""Remove symbols from the machine code in a wheel, and leave all else of it as it is."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import zipfile

from headless_wheel_builder.isolation.docker.inside import contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import IO

RECORD = ".dist-info/RECORD"


class StripError(Exception):
    """`strip` failed; the text is what it said."""


def strip_wheel(wheel: str, target: str, names: Collection[str], program: str) -> str:
    """Write a wheel again with some files stripped, and return its path.

    :param target: a folder, for the wheel and for files meanwhile
    :param program: `strip`
    :raises StripError: a file cannot be stripped
    """
    files: dict[str, str] = {}
    path = os.path.join(target, os.path.basename(wheel))
    with zipfile.ZipFile(wheel) as source:
        for member in source.infolist():
            if member.filename in names:
                files[member.filename] = os.path.join(target, f"stripped-{len(files)}")
                contents.extract(source, member, files[member.filename])
                _strip(program, member.filename, files[member.filename])
        with zipfile.ZipFile(path, "w") as made:
            for member in source.infolist():
                _write(source, member, made, files)
    for stripped in files.values():
        os.unlink(stripped)
    return path


def _strip(program: str, name: str, path: str) -> None:
    done = subprocess.run(
        [program, "-s", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise StripError(done.stdout.decode(errors="replace").replace(path, name).strip())


def _write(source: zipfile.ZipFile, member: zipfile.ZipInfo, made: zipfile.ZipFile, files: dict[str, str]) -> None:
    stripped = files.get(member.filename)
    if stripped is not None:
        with open(stripped, "rb") as file:
            _add(made, member, file, os.path.getsize(stripped))
    elif member.filename.endswith(RECORD) and member.filename.count("/") == 1:
        content = _record(source.read(member).decode(), files).encode()
        _add(made, member, io.BytesIO(content), len(content))
    else:
        with source.open(member) as file:
            _add(made, member, file, member.file_size)


def _add(made: zipfile.ZipFile, like: zipfile.ZipInfo, content: IO[bytes], size: int) -> None:
    info = zipfile.ZipInfo(like.filename, like.date_time)
    info.compress_type, info.external_attr, info.comment = like.compress_type, like.external_attr, like.comment
    info.create_system = like.create_system
    # Tells whether more than four bytes are needed for it.
    info.file_size = size
    with made.open(info, "w") as file:
        contents.copy(content, file)


def _record(text: str, files: dict[str, str]) -> str:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for row in rows:
        if row and row[0] in files:
            row[1:] = _described(files[row[0]])
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _described(path: str) -> list[str]:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            chunk = file.read(contents.CHUNK)
            if not chunk:
                break
            digest.update(chunk)
    encoded = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    return [f"sha256={encoded}", str(os.path.getsize(path))]

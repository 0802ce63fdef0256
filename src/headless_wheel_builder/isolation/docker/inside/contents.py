"""What is in a wheel, read a piece at a time."""

from __future__ import annotations

import shutil
import zipfile

from headless_wheel_builder.isolation.docker.inside import elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

CHUNK = 1024 * 1024


def platforms(name: str) -> list[str]:
    """Return the platform tags in a wheel's file name."""
    return name[: -len(".whl")].rpartition("-")[2].split(".")


def elf_files(wheel: str) -> dict[str, elf.Header]:
    """Return the header of each ELF file, by its name in the wheel."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                header = elf.header(file.read(elf.START))
            if header is not None:
                found[member.filename] = header
    return found


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str) -> None:
    """Write a member to a file."""
    with archive.open(member) as source, open(path, "wb") as file:
        copy(source, file)


def copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy what is left of a file."""
    shutil.copyfileobj(source, target, CHUNK)

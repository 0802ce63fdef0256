"""ELF files for tests, without a compiler."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headless_wheel_builder.isolation.docker.inside import elf

X86_64 = elf.Header(64, "<", elf.SHARED, 62)
AARCH64 = X86_64._replace(machine=183)
S390X = elf.Header(64, ">", elf.SHARED, 22)
I686 = elf.Header(32, "<", elf.SHARED, 3)


def own() -> elf.Header:
    """Return the header of a library for this machine."""
    return (elf.header_of(sys.executable) or X86_64)._replace(kind=elf.SHARED)


@dataclass(frozen=True)
class Section:
    kind: int
    content: bytes
    link: int = 0


class Strings:
    """A table of strings that grows."""

    def __init__(self) -> None:
        self.content = b"\0"

    def add(self, text: str) -> int:
        place = len(self.content)
        self.content += text.encode() + b"\0"
        return place


def library(
    header: elf.Header = X86_64,
    *,
    needs: Sequence[str] = (),
    versions: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    plain: Sequence[str] = (),
) -> bytes:
    """Make a library.

    :param needs: names of libraries
    :param versions: by library and version, the symbols that it needs
    :param plain: symbols that it needs without a version
    """
    versions = versions or {}
    strings = Strings()
    layout = elf.LAYOUTS[header.bits]
    symbols, numbers = [struct.pack(header.order + layout.symbol, *[0] * 6)], [0]
    numbered = [(one, version) for one, some in versions.items() for version in some]
    named = [(name, 0) for name in plain]
    named += [(name, at + 2) for at, (one, version) in enumerate(numbered) for name in versions[one][version]]
    for name, number in named:
        symbols.append(struct.pack(header.order + layout.symbol, strings.add(name), *[0] * 5))
        numbers.append(number)
    dynamic = b"".join(
        struct.pack(header.order + layout.entry, elf.NEEDED, strings.add(name)) for name in (*needs, *versions)
    )
    required = _required(header.order, versions, strings)
    sections = [
        Section(0, b""),
        Section(3, strings.content),
        Section(elf.DYNAMIC, dynamic, 1),
        Section(elf.SYMBOLS, b"".join(symbols), 1),
        Section(elf.SYMBOL_VERSIONS, struct.pack(f"{header.order}{len(numbers)}H", *numbers), 3),
        Section(elf.LIBRARY_VERSIONS, required, 1),
    ]
    return _file(header, sections)


def _required(order: str, versions: Mapping[str, Mapping[str, Sequence[str]]], strings: Strings) -> bytes:
    made, number = b"", 2
    for index, (one, some) in enumerate(versions.items()):
        following = 0 if index == len(versions) - 1 else 16 + 16 * len(some)
        made += struct.pack(order + "HHIII", 1, len(some), strings.add(one), 16, following)
        for at, version in enumerate(some):
            made += struct.pack(order + "IHHII", 0, 0, number, strings.add(version), 0 if at == len(some) - 1 else 16)
            number += 1
    return made


def _file(header: elf.Header, sections: Sequence[Section]) -> bytes:
    layout, order = elf.LAYOUTS[header.bits], header.order
    head = 24 + struct.calcsize(order + layout.header) + 2
    contents, rows = b"", []
    for section in sections:
        place = head + len(contents)
        rows.append(
            struct.pack(order + layout.section, 0, section.kind, 0, 0, place, len(section.content), section.link, 0)
        )
        contents += section.content
    size = struct.calcsize(order + layout.section)
    ident = elf.MAGIC + bytes([header.bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    first = struct.pack(order + "HHI", header.kind, header.machine, 1)
    rest = struct.pack(order + layout.header, 0, 0, head + len(contents), 0, 0, 0, 0, size, len(rows))
    return ident + first + rest + bytes(2) + contents + b"".join(rows)


def executable(header: elf.Header = X86_64) -> bytes:
    return library(header._replace(kind=elf.EXECUTABLE))

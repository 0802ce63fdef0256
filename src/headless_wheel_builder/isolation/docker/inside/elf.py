"""What ELF files say of themselves: which machine they are for, and what they need of which library."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

MAGIC = b"\x7fELF"
# As many bytes as a header is read from.
START = 20
EXECUTABLE, SHARED = 2, 3
MACHINES = {
    3: "i686", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv", 247: "bpf",
    258: "loongarch",
}  # fmt: skip
DYNAMIC, SYMBOLS, LIBRARY_VERSIONS, SYMBOL_VERSIONS = 6, 11, 0x6FFFFFFE, 0x6FFFFFFF
NEEDED = 1


class Header(NamedTuple):
    """The beginning of a file.

    :param order: of its bytes, as `struct` says it
    :param kind: `EXECUTABLE`, `SHARED` or another
    """

    bits: int
    order: str
    kind: int
    machine: int

    @property
    def is_program(self) -> bool:
        """Whether it is run or loaded, not linked."""
        return self.kind in (EXECUTABLE, SHARED)

    @property
    def platform(self) -> tuple[int, str, int]:
        """What files of one process have in common."""
        return self.bits, self.order, self.machine

    def __str__(self) -> str:
        return MACHINES.get(self.machine, f"machine {self.machine}") + f" ({self.bits} bit)"


class Needs(NamedTuple):
    """What a file needs of others.

    :param libraries: their names
    :param versions: symbols by library and version; a version may be needed without any
    :param symbols: all of them
    """

    libraries: list[str]
    versions: dict[tuple[str, str], list[str]]
    symbols: list[str]


class Layout(NamedTuple):
    """How `struct` reads the tables of a file, and which field of a symbol tells where it is defined."""

    header: str
    section: str
    entry: str
    symbol: str
    place: int


LAYOUTS = {
    32: Layout("IIIIHHHHH", "IIIIIIII", "II", "IIIBBH", 5),
    64: Layout("QQQIHHHHH", "IIQQQQII", "QQ", "IBBHQQ", 3),
}


def header(start: bytes) -> Header | None:
    """Read the first bytes of a file; None if it is not ELF."""
    if len(start) < START or not start.startswith(MAGIC):
        return None
    order = "<" if start[5] == 1 else ">"
    kind, machine = struct.unpack_from(order + "HH", start, 16)
    return Header(32 if start[4] == 1 else 64, order, kind, machine)


def header_of(path: str) -> Header | None:
    """Read the header of a file; None if it is not ELF, or cannot be read."""
    try:
        with open(path, "rb") as file:
            return header(file.read(START))
    except OSError:
        return None


def needs(path: str) -> Needs:
    """Read what a file needs; nothing if it is not ELF, or damaged."""
    first = header_of(path)
    if first is None:
        return Needs([], {}, [])
    try:
        with open(path, "rb") as file:
            return _File(file, first).needs()
    except (OSError, LookupError, ValueError, struct.error):
        return Needs([], {}, [])


class _File:
    def __init__(self, file: BinaryIO, first: Header) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._order = first.order
        self._layout = LAYOUTS[first.bits]
        fields = self._unpack(self._layout.header, self._read(24, 64), 0)
        offset, size, count = fields[2], fields[7], fields[8]
        places = (offset + index * size for index in range(count))
        self._sections = [self._unpack(self._layout.section, self._read(place, size), 0) for place in places]

    def needs(self) -> Needs:
        versions = dict(self._versions())
        symbols: dict[tuple[str, str], list[str]] = {version: [] for version in versions.values()}
        undefined = list(self._undefined())
        for number, name in undefined:
            if number in versions:
                symbols[versions[number]].append(name)
        return Needs(list(self._libraries()), symbols, [name for _, name in undefined])

    def _libraries(self) -> Iterator[str]:
        for content, names in self._contents(DYNAMIC):
            for tag, value in self._table(self._layout.entry, content):
                if tag == NEEDED:
                    yield _text(names, value)

    def _undefined(self) -> Iterator[tuple[int, str]]:
        """Yield the number of the version and the name of each symbol that is needed."""
        numbers = [number for content, _ in self._contents(SYMBOL_VERSIONS) for (number,) in self._table("H", content)]
        for content, names in self._contents(SYMBOLS):
            for index, fields in enumerate(self._table(self._layout.symbol, content)):
                if fields[0] and not fields[self._layout.place]:
                    yield numbers[index] if index < len(numbers) else 0, _text(names, fields[0])

    def _versions(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """Yield the number of each version that is needed, with its library and name."""
        for content, names in self._contents(LIBRARY_VERSIONS):
            at, following = 0, 1 if content else 0
            while following:
                _, count, library, first, following = self._unpack("HHIII", content, at)
                place = at + first
                for _ in range(count):
                    _, _, number, name, step = self._unpack("IHHII", content, place)
                    yield number, (_text(names, library), _text(names, name))
                    place += step
                at += following

    def _contents(self, kind: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield the sections of a kind, each with the one that it refers to: its strings."""
        for fields in self._sections:
            if fields[1] == kind:
                linked = self._sections[fields[6]]
                yield self._read(*fields[4:6]), self._read(*linked[4:6])

    def _table(self, layout: str, content: bytes) -> Iterator[tuple[Any, ...]]:
        size = struct.calcsize(self._order + layout)
        return struct.iter_unpack(self._order + layout, content[: len(content) // size * size])

    def _unpack(self, layout: str, content: bytes, place: int) -> tuple[Any, ...]:
        return struct.unpack_from(self._order + layout, content, place)

    def _read(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        # A damaged file may say anything of its sizes.
        return self._file.read(min(size, self._size))


def _text(names: bytes, place: int) -> str:
    return names[place : names.index(b"\0", place)].decode(errors="replace")

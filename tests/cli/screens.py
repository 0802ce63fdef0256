"""A small terminal that plays, as our stderr."""

from __future__ import annotations

import os
import pty
import re
import struct
import termios
from fcntl import ioctl

ESCAPES = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\r|\n)")


class Screen:
    """What a terminal of some width shows: it wraps long lines, goes up, erases; nothing is ever written over."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines = [""]
        self.row = self.column = 0

    def write(self, text: str) -> None:
        position = 0
        for escape in ESCAPES.finditer(text):
            self._put(text[position : escape.start()])
            position = escape.end()
            self._control(escape[3] or escape[2], int((escape[1] or "1").partition(";")[0]))
        self._put(text[position:])

    def _put(self, text: str) -> None:
        for letter in text:
            if self.column == self.columns:
                self._down()
            line = self.lines[self.row]
            assert len(line) == self.column, f"{text!r} is written over {line!r}"
            self.lines[self.row] = line + letter
            self.column += 1

    def _control(self, what: str, count: int) -> None:
        if what == "\n":
            self._down()
        elif what == "\r":
            self.column = 0
        elif what == "A":
            assert self.row >= count, "the cursor leaves the screen"
            self.row -= count
        elif what == "J":
            self.lines[self.row :] = [self.lines[self.row][: self.column]]
        else:
            assert what == "m", f"an unknown control: {what!r}"

    def _down(self) -> None:
        self.row += 1
        self.column = 0
        if self.row == len(self.lines):
            self.lines.append("")

    @property
    def shown(self) -> list[str]:
        return [line for line in self.lines if line]


class Pty:
    """A real pseudo terminal as our stderr, and the screen behind it."""

    def __init__(self, columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        self.stream = open(slave, "w", encoding="utf-8")  # noqa: SIM115
        self.resize(columns, rows)
        self.screen = Screen(columns)
        self.raw = ""

    def resize(self, columns: int, rows: int) -> None:
        ioctl(self.stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> list[str]:
        os.set_blocking(self._master, False)
        with_returns = b""
        while True:
            try:
                with_returns += os.read(self._master, 65536)
            except BlockingIOError:
                break
        text = with_returns.decode().replace("\r\n", "\n")
        self.raw += text
        self.screen.write(text)
        return self.screen.shown

    def close(self) -> None:
        self.stream.close()
        os.close(self._master)

"""What people see of hostile input: nothing in it steers their screen, or commands the service that runs the build."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

from headless_wheel_builder.cli.terminal import Terminal

BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Screen(io.StringIO):
    """What was printed, with and without our own colours."""

    encoding = "utf-8"

    def check(self) -> None:
        for line in re.sub("\33\\[[0-9]{1,2}m", "", self.getvalue()).split("\n"):
            assert not BAD.search(line), repr(line)
            assert not line.strip().startswith("::"), repr(line)
            assert not re.search(r"##[a-zA-Z]*\[", line), repr(line)


def screen_of(say: Callable[[Terminal], object], environ: dict[str, str] | None = None) -> Screen:
    """Return what is printed."""
    screen = Screen()
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = screen
    try:
        say(Terminal(environ or {}, 1))
    finally:
        sys.stdout, sys.stderr = before
    return screen

"""The command line."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn

from headless_wheel_builder.cli.interruption import Interruption

# What `--timings` begins with where the system does not say when a process started.
IMPORTED: Final = time.perf_counter()
# More than a build of a small project makes.
OBJECTS: Final = 50_000

__all__ = ["leave", "main", "script"]


def script(prog: str | None = None) -> NoReturn:
    """Be the program: run its command line, and end with the exit code.

    :param prog: its name in messages; None for that of the script
    """
    # Nearly all that imports make stays: looking for what is left over takes a fifth of their time.
    gc.set_threshold(OBJECTS)
    # Before anything else is imported: Ctrl-C must not show a traceback of an import.
    interruption = Interruption(is_program=True)
    from headless_wheel_builder.cli.ahead import Ahead

    ahead = Ahead(sys.argv[1:], os.environ)
    interruption.before_exit = ahead.start.abandon
    with ahead as start:
        from headless_wheel_builder.cli.command import run

        exit_code = run(sys.argv[1:], prog, interruption, start)
    leave(exit_code)


def leave(exit_code: int) -> NoReturn:
    """End the process with an exit code.

    At once, because while the interpreter shuts down a late signal would end it in another way.
    """
    for stream in (sys.stdout, sys.stderr):
        # None where it was closed before the start; an error where whoever read it is gone.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(exit_code)


def main(argv: Sequence[str], prog: str | None = None) -> int:
    """Run the command line in this process, and return its exit code.

    :param prog: the program's name in messages; None for that of the script
    """
    interruption = Interruption()
    from headless_wheel_builder.cli.command import run

    return run(argv, prog, interruption)

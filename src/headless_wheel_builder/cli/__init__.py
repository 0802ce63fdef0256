"""The command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from headless_wheel_builder.cli.interruption import Interruption

__all__ = ["main", "script"]


def script() -> None:
    """Be the entry point of the installed scripts."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str], prog: str | None = None) -> int:
    """Run the command line and return its exit code.

    :param prog: the program's name in messages; None for that of the script
    """
    # Before anything else is imported: Ctrl-C must not show a traceback of an import.
    interruption = Interruption()
    from headless_wheel_builder.cli.command import run

    return run(argv, prog, interruption)

"""Run the soak: `python integration/soak [--long]`."""

from __future__ import annotations

import sys
from pathlib import Path


def run() -> int:
    """Run it as a part of the project."""
    # Started as a folder, its modules would have the names of those in integration/.
    here = Path(__file__).resolve()
    sys.path[:1] = [str(here.parents[2]), str(here.parents[1]), str(here.parents[2] / "tests")]
    from integration.soak.command import main

    return main()


if __name__ == "__main__":
    sys.exit(run())

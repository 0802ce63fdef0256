"""Run the benchmark: `python integration/benchmark`, or `python -m integration.benchmark`."""

from __future__ import annotations

import sys
from pathlib import Path


def run() -> int:
    """Run it as a part of the project, whichever way it was started."""
    # Started as a folder, its modules would have the names of those in integration/.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from integration.benchmark.command import main

    return main()


if __name__ == "__main__":
    sys.exit(run())

"""Build the project in the current folder with the Python API and write the seconds of each phase to a file.

This runs in the environment of the tools. The arguments are the output folder and the file.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from headless_wheel_builder import BuildConfig, BuildEngine
from headless_wheel_builder.isolation import VenvConfig, VenvIsolation


def main() -> None:
    """Build an sdist and the wheel from it."""
    out, report = sys.argv[1:]
    # The command line keeps environments; the API has to be told.
    engine = BuildEngine(BuildConfig(isolation=VenvIsolation(VenvConfig(cache_envs=True))))
    start = time.perf_counter()
    result = asyncio.run(engine.build(".", out))
    total = time.perf_counter() - start
    rest = total - sum(result.durations.values())
    Path(report).write_text(json.dumps({**result.durations, "the rest": rest}), encoding="utf-8")


main()

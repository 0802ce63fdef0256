"""Build with the coroutine, and cancel it: `python cancelled.py SOURCE SECONDS`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from headless_wheel_builder import HeadlessWheelBuilderError, build_wheel

# Between the cancellation and its effect, on a machine that has other work.
SLACK = 0.5


async def main(source: str, seconds: float) -> float:
    """Cancel a build after a while, and return when that was."""
    task = asyncio.create_task(build_wheel(source, sdist=True))
    await asyncio.wait([task], timeout=seconds)
    cancelled = time.time()
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, HeadlessWheelBuilderError) as error:
        print(f"ended: {error!r}")
    return cancelled


if __name__ == "__main__":
    moment = asyncio.run(main(sys.argv[1], float(sys.argv[2]))) + SLACK
    if any(path.stat().st_ctime > moment for path in Path(sys.argv[1], "dist").iterdir()):
        sys.exit("it was published after that")

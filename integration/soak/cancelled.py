"""Build with the coroutine, and cancel it: `python cancelled.py SOURCE SECONDS`."""

from __future__ import annotations

import asyncio
import sys

from headless_wheel_builder import HeadlessWheelBuilderError, build_wheel


async def main(source: str, seconds: float) -> None:
    """Cancel a build after a while."""
    task = asyncio.create_task(build_wheel(source))
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, HeadlessWheelBuilderError) as error:
        print(f"ended: {error!r}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))

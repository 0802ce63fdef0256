"""Build several sources at once in one process: `python gathered.py SOURCE... -o FOLDER`."""

from __future__ import annotations

import asyncio
import sys

from headless_wheel_builder import build_wheel


async def main(sources: list[str], folder: str) -> None:
    """Build all of them, each into a folder of its own."""
    places = [f"{folder}/{number}" for number in range(len(sources))]
    pairs = zip(sources, places, strict=True)
    await asyncio.gather(*(build_wheel(source, output_dir=place) for source, place in pairs))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:-2], sys.argv[-1]))

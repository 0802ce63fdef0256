"""Build in a container of an engine that has to answer soon: `python impatient.py SECONDS IMAGE PYTHON SOURCE [FLAG]`.

The command line waits a minute.
"""

from __future__ import annotations

import asyncio
import sys

from headless_wheel_builder import BuildConfig, BuildEngine, HeadlessWheelBuilderError
from headless_wheel_builder.isolation.docker import DockerConfig, DockerIsolation


async def main(seconds: str, image: str, python: str, source: str, *flags: str) -> None:
    """Build a wheel."""
    config = DockerConfig(timeout=float(seconds), image=image, repair_wheel=False, use_uv=False, cache_envs=not flags)
    engine = BuildEngine(BuildConfig(isolation=DockerIsolation(config), python=python))
    await engine.build(source, sdist=False)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except HeadlessWheelBuilderError as error:
        sys.exit(f"ERROR {error}")

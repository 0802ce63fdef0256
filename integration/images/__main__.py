"""Build the images of the integration tests, except those that an engine has: see `recipes.py` for their names."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

from context import prepare
from docker_cli import Docker
from recipes import RECIPES

AT_ONCE = 2


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="images", description=__doc__)
    parser.add_argument("--host", required=True, help="the address of the engine, as `docker --host` takes it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them if none is given")
    options = parser.parse_args()
    if unknown := set(options.names) - set(RECIPES):
        parser.error(f"no such images: {', '.join(sorted(unknown))}")
    return int(not build_all(Docker(options.host), options.names or RECIPES))


def build_all(docker: Docker, names: Iterable[str]) -> bool:
    """Build images and what they are made from, in the order of the table; return whether all went well."""
    order = TopologicalSorter(graph(names))
    order.prepare()
    good = True
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[bool], str] = {}
        waiting: list[str] = []
        while order.is_active():
            waiting = sorted((*waiting, *order.get_ready()), key=list(RECIPES).index)
            while waiting and len(running) < AT_ONCE:
                name = waiting.pop(0)
                running[pool.submit(build, docker, name)] = name
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                good &= future.result()
                if future.result():
                    order.done(name)
    return good


def graph(names: Iterable[str]) -> dict[str, set[str]]:
    """Return what each image is made from, in the order of the table."""
    needed = set(names)
    for name in reversed(RECIPES):  # each stands below its base
        if name in needed:
            needed.update(RECIPES[name].bases.values())
    return {name: set(recipe.bases.values()) for name, recipe in RECIPES.items() if name in needed}


def build(docker: Docker, name: str) -> bool:
    """Build one image unless it is there; print how it went."""
    recipe = RECIPES[name]
    if docker.has(name, recipe):
        print(f"{name}: is there", flush=True)
        return True
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hwb-image-") as folder, tempfile.TemporaryFile() as log:
        try:
            prepare(recipe, Path(folder), log)
            docker.build(name, recipe, Path(folder), log)
        except (OSError, LookupError, subprocess.CalledProcessError) as error:
            log.seek(0)
            reason = "failed, as above" if isinstance(error, subprocess.CalledProcessError) else error
            print(f"{log.read().decode(errors='replace')}{name}: {reason}", file=sys.stderr, flush=True)
            return False
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())

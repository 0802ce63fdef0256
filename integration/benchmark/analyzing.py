"""How long a look at a project of 5,000 files takes: `python -m integration.benchmark.analyzing`.

The first look, which imports and reads from the disk, is shown and does not count.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from integration.projects import write

from headless_wheel_builder.core.analyzer import analyze

FILES = 5000
RUNS = 30
SCRIPT = """\
import os

from setuptools import Extension, find_packages, setup

extensions = [Extension(f"demo.p{at}._fast", [f"demo/p{at}/fast.c"]) for at in range(20)]
if os.environ.get("DEMO_PURE"):
    extensions = []
setup(name="demo", version="1.0", packages=find_packages(), ext_modules=extensions)
"""
TABLE = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def make(root: Path, script: str) -> Path:
    """Make a project of so many modules, with nothing that is compiled unless the script says so."""
    modules = {f"demo/p{at % 100}/m{at}.py": f"VALUE = {at}\n" for at in range(FILES)}
    return write(root, {"pyproject.toml": TABLE, "setup.py": script, "demo/__init__.py": "", **modules})


def measure(folder: Path) -> tuple[float, list[float]]:
    """Return what the first look took, and the others, in milliseconds."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        analyze(str(folder))
        taken.append((time.perf_counter() - start) * 1000)
    return taken[0], taken[1:]


def main() -> None:
    """Measure a project that compiles, and one of which all files are looked through because it does not."""
    with tempfile.TemporaryDirectory() as name:
        for kind, script in (("compiled", SCRIPT), ("pure", "from setuptools import setup\n\nsetup()\n")):
            first, others = measure(make(Path(name) / kind, script))
            median, most = statistics.median(others), max(others)
            print(f"{kind:9} {FILES} files: median {median:.1f} ms, most {most:.1f} ms (first {first:.1f} ms)")


if __name__ == "__main__":
    main()

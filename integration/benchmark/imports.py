"""What importing costs: all modules that a build imports, in one bare interpreter, against one that imports nothing.

And against one that imports only those of the standard library and of pyproject-hooks: the rest is our own.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from integration.benchmark.contenders import CONTENDERS
from integration.benchmark.measurement import Bench
from integration.benchmark.projects import Project

# What `python -v` says of each import that succeeded.
IMPORTED = re.compile(r"^import '([\w.]+)' # ", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Imports:
    """Samples in seconds, and the modules."""

    modules: tuple[str, ...]
    bare: tuple[float, ...]
    others: tuple[float, ...]
    importing: tuple[float, ...]


def measure(bench: Bench, project: Project, runs: int) -> Imports:
    """Measure each in turns, once more than asked for: the first run of each warms caches."""
    with tempfile.TemporaryDirectory(dir=bench.workspace.root) as name:
        folder = Path(name)
        env = bench.fresh(project, folder)
        names = imported(bench, folder, env)
        others = [name for name in names if name.partition(".")[0] != "headless_wheel_builder"]
        programs = ("pass", f"import {', '.join(others)}", f"import {', '.join(names)}")
        python = str(bench.toolbox.python)
        taken = [
            [bench.timed([python, "-c", program], folder, env).seconds for program in programs] for _ in range(runs + 1)
        ]
        return Imports(names, *zip(*taken[1:], strict=True))


def imported(bench: Bench, folder: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Build, and return the modules that the build imports, each after those that it imports itself."""
    python, *command = CONTENDERS["later"].argv(
        "default", {"python": str(bench.toolbox.python), "out": str(folder / "out")}
    )
    bench.timed([python, "-v", *command], folder, env)
    return tuple(dict.fromkeys(IMPORTED.findall((folder / "log").read_text(errors="replace"))))

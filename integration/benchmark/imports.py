"""What importing costs: all modules that a build imports, in one bare interpreter, against one that imports nothing."""

from __future__ import annotations

import dataclasses
import re
import tempfile
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
    importing: tuple[float, ...]


def measure(bench: Bench, project: Project, runs: int) -> Imports:
    """Measure both in turns, once more than asked for: the first run of each warms caches."""
    with tempfile.TemporaryDirectory(dir=bench.workspace.root) as name:
        folder = Path(name)
        env = bench.fresh(project, folder)
        python = str(bench.toolbox.python)
        fields = {"python": python, "out": str(folder / "out")}
        _, *command = CONTENDERS["later"].argv("default", fields)
        bench.timed([python, "-v", *command], folder, env)
        names = tuple(dict.fromkeys(IMPORTED.findall((folder / "log").read_text(errors="replace"))))
        programs = ("pass", f"import {', '.join(names)}")
        taken = [
            [bench.timed([python, "-c", program], folder, env).seconds for program in programs] for _ in range(runs + 1)
        ]
        bare, importing = zip(*taken[1:], strict=True)
        return Imports(names, bare, importing)

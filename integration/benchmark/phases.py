"""Our own time by phase, as BuildResult.durations has it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from integration.benchmark.measurement import Bench
from integration.benchmark.projects import Project

PROGRAM = str(Path(__file__).with_name("durations.py"))


def measure(bench: Bench, project: Project) -> dict[str, float]:
    """Build once with the Python API, as a later run, and return seconds by phase."""
    with tempfile.TemporaryDirectory(dir=bench.workspace.root) as name:
        folder = Path(name)
        env = bench.fresh(project, folder)
        report = folder / "report"
        bench.timed([str(bench.toolbox.python), PROGRAM, str(folder / "out"), str(report)], folder, env)
        durations: dict[str, float] = json.loads(report.read_text())
        return durations

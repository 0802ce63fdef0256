"""What a build in a container takes here while much goes in and out: time, and the memory of the frontend."""

from __future__ import annotations

import tempfile
from pathlib import Path

from integration.benchmark.contenders import CONTAINER, CONTENDERS
from integration.benchmark.measurement import Bench
from integration.benchmark.projects import read
from integration.benchmark.running import Timing
from integration.projects import big


def measure(bench: Bench, runs: int) -> list[Timing]:
    """Build, after once to provision, a project whose backend needs nothing; its tree and its wheel are big."""
    with tempfile.TemporaryDirectory(dir=bench.workspace.root) as name:
        project = read("big", big(Path(name)))
        return [bench.run(project, CONTAINER, CONTENDERS["later"]) for _ in range(runs + 1)][1:]

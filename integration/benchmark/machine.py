"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path


def processor() -> str:
    """Return the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def line(versions: Mapping[str, str], distributions: Iterable[str]) -> str:
    """Return the machine and the tools in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    tools = [f"{name} {versions[name]}" for name in distributions if name in versions]
    return ", ".join([processor(), f"{cores} cores", platform.system(), python, *tools])

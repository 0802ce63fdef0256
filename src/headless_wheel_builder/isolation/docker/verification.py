"""Find out inside a container whether it is as it was asked for: engines may drop a limit without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.no_network import ROUTES, routed
from headless_wheel_builder.isolation.docker.plan import Plan

# Of cgroups version 2, and of version 1.
MEMORY: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
CPUS: Final = "/sys/fs/cgroup/cpu.max"
QUOTA: Final = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"
PERIOD: Final = "/sys/fs/cgroup/cpu/cpu.cfs_period_us"
KILLED: Final = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
SEEN: Final = (*MEMORY, CPUS, QUOTA, PERIOD, *ROUTES)
# Engines round to pages and to microseconds.
TOLERANCE: Final = 1.01


def is_limited(plan: Plan) -> bool:
    """Tell whether there is anything to find out of a container."""
    return plan.memory is not None or plan.cpus is not None or not plan.network


def verify(plan: Plan, files: Mapping[str, str]) -> None:
    """Check what was seen in a container.

    :param files: what has been in the files of `SEEN` that are there
    :raises IsolationError: a limit does not hold, or there is a network that should not be
    """
    if plan.memory is not None:
        _check("memory_limit", plan.memory, _memory(files), "bytes")
    if plan.cpus is not None:
        _check("cpu_limit", plan.cpus, _cpus(files), "processors")
    if not plan.network and (routes := routed(files)):
        raise IsolationError(
            "The container has a network although it was to have none",
            cause=f"It has routes over {', '.join(routes)}.",
            hint="The engine does not do as it is asked; nothing was run. Use another one.",
        )


def killed_for_memory(files: Mapping[str, str]) -> int:
    """Return how many processes of the container the system has killed because of the memory that they used.

    :param files: what is in the files of `KILLED` that are there
    """
    lines = (line.split() for path in KILLED for line in files.get(path, "").splitlines())
    return sum(int(line[1]) for line in lines if len(line) > 1 and line[0] == "oom_kill")


def _check(name: str, wanted: float, found: float | None, unit: str) -> None:
    if found is not None and found <= wanted * TOLERANCE:
        return
    seen = "there is none" if found is None else f"it is {found:g} {unit}"
    raise IsolationError(
        f"The engine does not hold the container to its {name}",
        cause=f"It was to be {wanted:g} {unit}; in the container {seen}.",
        hint="Does the engine's machine have the control groups for it? docker info shows warnings. A rootless engine"
        " needs them delegated. Else build without this limit.",
    )


def _memory(files: Mapping[str, str]) -> float | None:
    texts = [files[path].strip() for path in MEMORY if path in files]
    return float(texts[0]) if texts and texts[0].isdecimal() else None


def _cpus(files: Mapping[str, str]) -> float | None:
    text = files.get(CPUS) or f"{files.get(QUOTA, '').strip()} {files.get(PERIOD, '')}"
    quota, _, period = text.strip().partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None

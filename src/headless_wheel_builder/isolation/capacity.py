"""How much a machine can do at once, as far as this process may use it."""

from __future__ import annotations

import os
from typing import Final

from headless_wheel_builder.values import value

# What a compiler and the linker after it may need, on the high side of what is usual.
TASK_MEMORY: Final = 1024**3
# How many compilers run at once.
JOB_VARIABLES: Final = ("CMAKE_BUILD_PARALLEL_LEVEL", "CARGO_BUILD_JOBS", "NPY_NUM_BUILD_JOBS", "MAX_JOBS")
CGROUP: Final = "/sys/fs/cgroup"


@value
class Capacity:
    """What there is for all tasks together, and how many that is enough for.

    :param cores: processors
    :param memory: bytes
    """

    cores: int
    memory: int
    task_memory: int = TASK_MEMORY
    task_cores: float = 1.0

    @property
    def tasks(self) -> int:
        """How many tasks it is enough for, at least one."""
        return max(1, min(int(self.cores / self.task_cores), self.memory // self.task_memory))

    def share(self, tasks: int) -> dict[str, str]:
        """Return the variables that tell backends how much each of so many tasks may do at once."""
        return job_variables(max(1, self.cores // tasks))


def job_variables(jobs: int) -> dict[str, str]:
    """Return the variables that tell backends and their tools how many jobs they may have at once."""
    return {**dict.fromkeys(JOB_VARIABLES, str(jobs)), "MAKEFLAGS": f"-j{jobs}"}


def this_machine(cgroup: str = CGROUP) -> Capacity:
    """Return what this process may use: of a container, its limits (cgroup v2)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _numbers(f"{cgroup}/cpu.max")
    if len(quota) == 2:  # noqa: PLR2004 - microseconds of each period
        cores = max(1, min(cores, quota[0] // quota[1]))
    memory = _physical_memory()
    if limit := _numbers(f"{cgroup}/memory.max"):
        memory = min(memory, limit[0])
    return Capacity(cores, memory)


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**63  # a system that does not say; the processors are the limit


def _numbers(path: str) -> list[int]:
    try:
        with open(path, encoding="ascii") as file:
            return [int(part) for part in file.read().split()]
    except (OSError, ValueError):  # not a cgroup, or "max"
        return []

"""What a machine can do at once, told by files as a container has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.isolation.capacity import TASK_MEMORY, Capacity, job_variables, this_machine

GIB = 1024**3


def cgroup(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(f"{text}\n")
    return os.fspath(folder)


def test_tasks_are_as_many_as_processors_and_memory_are_enough_for() -> None:
    assert Capacity(8, 64 * GIB).tasks == 8
    assert Capacity(8, 3 * GIB).tasks == 3
    assert Capacity(8, 64 * GIB, task_memory=20 * GIB).tasks == 3
    assert Capacity(8, 64 * GIB, task_cores=2.0).tasks == 4
    assert Capacity(8, 64 * GIB, task_cores=0.5).tasks == 16


def test_there_is_always_room_for_one_task() -> None:
    assert Capacity(1, 1024).tasks == 1
    assert Capacity(1, 64 * GIB, task_cores=4.0).tasks == 1


@pytest.mark.parametrize(("cores", "tasks", "jobs"), [(8, 2, 4), (8, 3, 2), (2, 8, 1), (1, 1, 1)])
def test_tasks_share_the_processors(cores: int, tasks: int, jobs: int) -> None:
    assert Capacity(cores, GIB).share(tasks) == job_variables(jobs)


def test_backends_are_told_in_each_way_that_they_know() -> None:
    assert job_variables(3) == {
        "CMAKE_BUILD_PARALLEL_LEVEL": "3",
        "CARGO_BUILD_JOBS": "3",
        "NPY_NUM_BUILD_JOBS": "3",
        "MAX_JOBS": "3",
        "MAKEFLAGS": "-j3",
    }


def test_without_a_container_it_is_what_this_process_may_use(tmp_path: Path) -> None:
    found = this_machine(os.fspath(tmp_path / "none"))
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.memory == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.task_memory == TASK_MEMORY


@pytest.mark.parametrize("cpu", ["max 100000", "", "nonsense", "100000"])
def test_a_group_without_limits_changes_nothing(tmp_path: Path, cpu: str) -> None:
    place = cgroup(tmp_path, cpu_max=cpu, memory_max="max")
    assert this_machine(place) == this_machine(os.fspath(tmp_path / "none"))


@pytest.mark.parametrize("quota", ["100000 100000", "50000 100000", "190000 100000", "1000 100000"])
def test_a_quota_of_processors_counts_whole_ones_and_at_least_one(tmp_path: Path, quota: str) -> None:
    assert this_machine(cgroup(tmp_path, cpu_max=quota)).cores == 1


def test_a_quota_beyond_what_there_is_changes_nothing(tmp_path: Path) -> None:
    assert this_machine(cgroup(tmp_path, cpu_max="99900000 100000")).cores == len(os.sched_getaffinity(0))


def test_a_limit_of_memory_counts_unless_there_is_less(tmp_path: Path) -> None:
    assert this_machine(cgroup(tmp_path, memory_max=str(GIB // 2))).memory == GIB // 2
    assert this_machine(cgroup(tmp_path, memory_max=str(2**62))) == this_machine(os.fspath(tmp_path / "none"))


def test_what_this_process_may_not_use_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)))
    assert this_machine(os.fspath(tmp_path)).cores == 5
    assert this_machine(cgroup(tmp_path, cpu_max="300000 100000")).cores == 3

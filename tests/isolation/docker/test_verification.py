"""A container is looked at from inside: what engines promise is not always so."""

from __future__ import annotations

import pytest

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.container import Plan
from headless_wheel_builder.isolation.docker.verification import killed_for_memory, verify
from headless_wheel_builder.values import changed

GIB = 1024**3
PLAN = Plan(image="sha256:1", platform="linux/amd64", argv=())
MEMORY_2 = "/sys/fs/cgroup/memory.max"
MEMORY_1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
CPU_2 = "/sys/fs/cgroup/cpu.max"
QUOTA_1 = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"
PERIOD_1 = "/sys/fs/cgroup/cpu/cpu.cfs_period_us"
ROUTES_4 = "/proc/net/route"
ROUTES_6 = "/proc/net/ipv6_route"
NO_ROUTES = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ETHERNET = NO_ROUTES + "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
LOOPBACK_6 = f"{'0' * 31}1 80 {'0' * 32} 00 {'0' * 32} 00000000 00000002 00000000 80200001       lo\n"
ETHERNET_6 = LOOPBACK_6 + LOOPBACK_6.replace("      lo", "    eth1")


@pytest.mark.parametrize(
    ("plan", "files"),
    [
        (PLAN, {}),
        (changed(PLAN, memory=GIB), {MEMORY_2: f"{GIB}\n"}),
        (changed(PLAN, memory=GIB + 7), {MEMORY_2: f"{GIB}\n"}),
        (changed(PLAN, memory=GIB), {MEMORY_2: f"{GIB + 4096}\n"}),
        (changed(PLAN, memory=GIB), {MEMORY_1: f"{GIB}\n"}),
        (changed(PLAN, cpus=1.5), {CPU_2: "150000 100000\n"}),
        (changed(PLAN, cpus=0.333), {CPU_2: "33300 100000\n"}),
        (changed(PLAN, cpus=2.0), {QUOTA_1: "200000\n", PERIOD_1: "100000\n"}),
        (changed(PLAN, network=False), {}),
        (changed(PLAN, network=False), {ROUTES_4: NO_ROUTES, ROUTES_6: LOOPBACK_6}),
        (PLAN, {ROUTES_4: ETHERNET, ROUTES_6: ETHERNET_6}),
    ],
)
def test_a_container_as_it_was_asked_for_is_right(plan: Plan, files: dict[str, str]) -> None:
    verify(plan, files)


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({}, "in the container there is none"),
        ({MEMORY_2: "max\n"}, "there is none"),
        ({MEMORY_2: f"{2 * GIB}\n"}, "it is 2.14748e+09 bytes"),
        ({MEMORY_1: "9223372036854771712\n"}, "it is 9.22337e+18 bytes"),
    ],
)
def test_more_memory_than_was_asked_for_is_an_error(files: dict[str, str], seen: str) -> None:
    with pytest.raises(IsolationError, match="does not hold the container to its memory_limit") as caught:
        verify(changed(PLAN, memory=GIB), files)
    assert seen in caught.value.cause


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({}, "there is none"),
        ({CPU_2: "max 100000\n"}, "there is none"),
        ({CPU_2: "400000 100000\n"}, "it is 4 processors"),
        ({QUOTA_1: "-1\n", PERIOD_1: "100000\n"}, "there is none"),
        ({QUOTA_1: "200000\n"}, "there is none"),
    ],
)
def test_more_processors_than_were_asked_for_are_an_error(files: dict[str, str], seen: str) -> None:
    with pytest.raises(IsolationError, match="does not hold the container to its cpu_limit") as caught:
        verify(changed(PLAN, cpus=2.0), files)
    assert seen in caught.value.cause


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({ROUTES_4: ETHERNET}, "eth0"),
        ({ROUTES_6: ETHERNET_6}, "eth1"),
        ({ROUTES_4: ETHERNET, ROUTES_6: ETHERNET_6}, "eth0, eth1"),
    ],
)
def test_a_network_that_was_not_asked_for_is_an_error(files: dict[str, str], names: str) -> None:
    with pytest.raises(IsolationError, match="has a network although it was to have none") as caught:
        verify(changed(PLAN, network=False), files)
    assert caught.value.cause == f"It has routes over {names}."


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 0),
        ({"/sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n"}, 0),
        ({"/sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 0\n"}, 2),
        ({"/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n"}, 0),
        ({"/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"}, 1),
        ({"/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}, 0),
    ],
)
def test_it_is_seen_that_the_system_killed_a_process_for_its_memory(files: dict[str, str], count: int) -> None:
    assert killed_for_memory(files) == count

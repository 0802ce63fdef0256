"""A host that is started ahead is taken over if it is the right one, and ended if it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hosts import Way, Ways, backend, look
from namespaces import needs_namespaces
from scenarios import EQUAL, PRINTING
from support import wait_for

from headless_wheel_builder.hooks.headstart import LONGEST_ORDER, HeadStart, Order
from headless_wheel_builder.hooks.launcher import OutputMode
from headless_wheel_builder.values import changed

# Which has one thread only, where this is done.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

PARENT = backend(in_hook="import os; return str(os.getppid())")
OUTPUTS: tuple[OutputMode, ...] = ("capture", "inherit")


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    ways = Ways(tmp_path)
    ways.write(PARENT)
    return ways


def host(start: HeadStart) -> int:
    """Return the process of the host that nobody has taken."""
    assert start._running is not None
    return start._running[0].pid


def begun(order: Order) -> HeadStart:
    start = HeadStart()
    start.begin(order)
    return start


def gone(pid: int) -> None:
    wait_for(lambda: not look(pid, "stat"))


@pytest.fixture
def order(ways: Ways) -> Order:
    with ways.way(is_hosted=False) as way:
        return way.order()


def test_hooks_get_the_host_that_runs_already(order: Order) -> None:
    start = begun(order)
    pid = host(start)
    taken = start.take(order)
    assert taken is not None
    assert (taken[0].pid, start.is_right, start.wanted) == (pid, True, order)
    assert taken[1].receive() == {"ready": True}
    taken[1].close()
    assert taken[0].wait() == taken[0].wait()
    assert taken[0].stdout is not None
    taken[0].stdout.close()


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_build_uses_the_host_that_runs_already(ways: Ways, output: OutputMode) -> None:
    with ways.way(ahead={}, output=output) as way:
        assert way.ahead.is_right
        assert way.call() == way.call() == str(way.launcher._host._talk._link._group.process.pid)  # type: ignore[attr-defined]
        assert way.reasons == []


@pytest.mark.parametrize(
    "ahead",
    [
        {"source": "/"},
        {"first": {"preload": ["json"], "own": []}},
        {"environ": {}},
        {"is_captured": False},
        {"network": False},
    ],
    ids=str,
)
def test_another_host_is_ended_and_the_right_one_is_started(ways: Ways, ahead: Mapping[str, object]) -> None:
    with ways.way(ahead=ahead) as way:
        assert way.call() == str(way.launcher._host._talk._link._group.process.pid)  # type: ignore[attr-defined]
        assert way.ahead.wanted == way.order()
        assert not way.ahead.is_right
        assert way.reasons == []


@needs_namespaces
@pytest.mark.parametrize("ahead", [{}, {"network": True}], ids=["right", "with a network"])
def test_without_a_network_no_host_is_used_that_has_one(ways: Ways, ahead: Mapping[str, object]) -> None:
    ways.write(backend(in_hook="import os; return os.readlink('/proc/self/ns/net')"))
    with ways.way(ahead=ahead, network=False) as way:
        assert way.call() != os.readlink("/proc/self/ns/net")
        assert way.ahead.is_right is not bool(ahead)
        assert way.reasons == []


def test_only_the_first_host_of_a_build_is_wanted_ahead(order: Order) -> None:
    start = HeadStart()
    assert start.is_right
    assert start.take(order) is start.take(changed(order, source="/")) is None
    assert (start.wanted, start.is_right) == (order, False)


def test_a_host_that_nobody_takes_is_ended(order: Order) -> None:
    start = begun(order)
    pid = host(start)
    start.abandon()
    assert not look(pid, "stat")
    start.abandon()
    assert start.take(order) is None


def test_a_host_does_not_outlive_a_frontend_that_is_killed(order: Order) -> None:
    code = (
        "import json, os, signal, sys; from headless_wheel_builder.hooks.headstart import HeadStart, Order\n"
        "start = HeadStart(); start.begin(Order.parse(json.loads(sys.argv[1]), os.environ))\n"
        "print(start._running[0].pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    argv = [sys.executable, "-c", code, json.dumps(order.facts(os.environ))]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    gone(int(ran.stdout))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", ["all that a process knows of itself", "a process inherits all descriptors"])
def test_its_hooks_are_as_in_a_fresh_interpreter(
    ways: Ways, name: str, output: OutputMode, capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    hosted, fresh = ways.both(EQUAL[name], output=output, read=capfd.readouterr, ahead={})
    os.close(reader)
    os.close(writer)
    assert hosted == fresh


@pytest.mark.parametrize("name", PRINTING)
def test_what_its_hooks_print_is_as_of_a_fresh_interpreter(
    ways: Ways, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    hosted, fresh = ways.both(EQUAL[name], output="inherit", read=capfd.readouterr, ahead={})
    assert hosted == fresh


def test_a_host_that_has_ended_meanwhile_is_as_any_that_ends(ways: Ways) -> None:
    ways.write(backend("import os; os._exit(3)"))
    with ways.way(ahead={}) as way:
        way.call()
        assert way.reasons == ["Each hook gets a fresh interpreter: of the backend, its host ended"]


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/nowhere"},
        {"python": "/nowhere"},
        {"python": "/bin/\0x"},
        {"first": {"preload": ["x" * LONGEST_ORDER], "own": []}},
        {"environ": {"PYTHONVERBOSE": "1"}},
    ],
    ids=["source", "python", "name", "first", "variables"],
)
def test_what_cannot_be_started_is_not(order: Order, change: Mapping[str, object]) -> None:
    before = os.getcwd(), sorted(os.listdir("/proc/self/fd"))
    start = begun(changed(order, **change))
    assert start._running is None
    assert (os.getcwd(), sorted(os.listdir("/proc/self/fd"))) == before


def test_the_current_folder_is_as_before(order: Order) -> None:
    before = os.getcwd()
    start = begun(order)
    assert os.getcwd() == before
    wait_for(lambda: os.readlink(f"/proc/{host(start)}/cwd") == order.source)
    start.abandon()


def test_an_order_is_the_same_after_it_was_written_down(order: Order) -> None:
    environ = {**order.environ, "PYTHONHOME": "/usr", "PATH": "/elsewhere"}
    facts = json.loads(json.dumps(order.facts(environ)))
    assert Order.parse(facts, environ) == order
    assert facts["gone"] == ["PYTHONHOME"]
    assert Order.parse(facts, {**environ, "MORE": "1"}) == changed(order, environ={**order.environ, "MORE": "1"})


def test_secrets_of_the_environment_are_not_written_down(order: Order) -> None:
    environ = {**order.environ, "TOKEN": "abcdef"}
    facts = changed(order, environ={**environ, "PATH": "/bin"}).facts(environ)
    assert facts["more"] == {"PATH": "/bin"}
    assert "abcdef" not in json.dumps(facts)


@pytest.mark.parametrize("facts", [None, {}, {"python": 1}, "more", "gone", "first", "is_captured", "network"], ids=str)
def test_what_is_no_order_is_none(order: Order, facts: object) -> None:
    if isinstance(facts, str):
        facts = {**order.facts({}), facts: {"A": 1} if facts == "more" else 1}
    assert Order.parse(facts, {}) is None  # type: ignore[arg-type]


def test_a_way_without_a_host_takes_none(ways: Ways) -> None:
    with ways.way(is_hosted=False, ahead={}) as way:
        assert isinstance(way, Way)
        assert way.ahead.wanted is None

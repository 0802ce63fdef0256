"""What hooks in a container are held to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fake_engine import BASE, FakeApi, Ran, engine
from support import wait_for

from headless_wheel_builder.hooks import watchdog
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.hook_limits import HookLimits
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.isolation.docker.verification import KILLED
from headless_wheel_builder.process import Stop

PLAN = Plan(image=BASE, platform="linux/arm64", argv=("python",))
EXHAUSTED = {KILLED[0]: "oom 1\noom_kill 1\n"}
MIB = 1024**2


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def container(api: FakeApi) -> Iterator[Container]:
    made = Container(engine(api), PLAN)
    made.make()
    made.start({"preload": [], "own": []})
    assert made.receive(None) == {"ready": True}
    yield made
    made.close()


def never(how: Stop) -> None:
    raise AssertionError(f"nobody wants a dump, but {how}")


Limited = Callable[..., HookLimits]


@pytest.fixture
def limited(api: FakeApi, container: Container) -> Limited:
    def make(memory: int | None = 64 * MIB, **patience: float) -> HookLimits:
        return HookLimits(engine(api), container, memory=memory, patience=Patience(**patience))

    return make


def ended(limits: HookLimits, files: dict[str, str], *, is_gone: bool = False) -> EndedError:
    with pytest.raises(EndedError) as caught:
        limits.check(-9, files, is_gone=is_gone)
    assert caught.value.returncode == -9
    return caught.value


def test_a_hook_that_just_fails_has_no_other_reason(limited: Limited) -> None:
    limited().check(1, {}, is_gone=False)
    limited().check(1, {KILLED[0]: "oom 0\noom_kill 0\n"}, is_gone=False)


def test_a_hook_that_used_too_much_memory_is_told_how_much_there_is(limited: Limited) -> None:
    error = ended(limited(), EXHAUSTED)
    assert error.cause == "The container reached its limit of 64 MiB: the system killed a process in it."
    assert "--memory" in error.hint


def test_a_hook_whose_container_is_gone_is_told_what_the_engine_remembers(api: FakeApi, limited: Limited) -> None:
    api.past = [{"Action": "kill"}]
    assert ended(limited(), EXHAUSTED, is_gone=True).cause == "Somebody killed or stopped the container."


def test_a_hook_that_takes_too_long_ends_with_its_container(limited: Limited, container: Container) -> None:
    limits = limited(timeout=0.05)
    with limits.watching(never, print):
        assert container.receive(None) is None
    error = ended(limits, {}, is_gone=True)
    assert error.cause == "It took longer than 0.05 seconds."
    assert "--hook-timeout" in error.hint


def test_it_is_known_at_once_why_a_container_is_gone_that_took_too_long(limited: Limited, container: Container) -> None:
    limits = limited(timeout=0.05)
    with limits.watching(never, print):
        assert container.receive(None) is None
        error = limits.gone("build_wheel", "")
    assert error.cause == "It took longer than 0.05 seconds."
    assert "--hook-timeout" in error.hint


def test_a_hook_that_prints_nothing_is_asked_where_it_is(limited: Limited) -> None:
    asked = threading.Event()
    limits = limited(silence=0.05)
    with limits.watching(lambda how: asked.set() if how == "dump" else None, print):
        assert asked.wait(20)
    with pytest.raises(EndedError) as caught:
        limits.check(-6, {}, is_gone=False)
    assert caught.value.cause.startswith("It printed nothing for 0.05 seconds")
    assert "--hook-silence" in caught.value.hint


def test_a_hook_that_does_not_say_where_it_is_ends_with_its_container(
    limited: Limited, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "DUMP_SECONDS", 0.05)
    limits = limited(silence=0.05)
    with limits.watching(lambda _: None, print):
        assert container.receive(None) is None
    assert ended(limits, {}, is_gone=True).cause.startswith("It printed nothing for 0.05 seconds")


def test_a_hook_that_is_in_time_does_not(limited: Limited, container: Container, api: FakeApi) -> None:
    api.past = [{"Action": "die"}]
    limits = limited(timeout=0.2)
    with limits.watching(never, print):
        pass
    time.sleep(0.4)
    assert "took longer" not in limits.fate().cause
    container.send({"run": ["python", "/hwb/program/execute.py", "true"]})
    assert container.receive(None) == {"started": 7}


def test_a_hook_that_raises_is_watched_no_longer(limited: Limited, container: Container) -> None:
    limits = limited(timeout=0.2)
    with pytest.raises(KeyError), limits.watching(never, print):
        raise KeyError
    time.sleep(0.4)
    container.send({"run": ["python", "/hwb/program/execute.py", "true"]})
    assert container.receive(None) == {"started": 7}


def test_without_a_limit_a_hook_takes_as_long_as_it_wants(limited: Limited) -> None:
    with limited().watching(never, print):
        assert not [one for one in threading.enumerate() if one.name == "watchdog"]


def test_a_container_that_ended_before_a_hook_names_the_hook_and_why(api: FakeApi, limited: Limited) -> None:
    api.past = [{"Action": "oom"}]
    error = limited().gone("build_wheel", "")
    assert error.message == "The container ended before build_wheel could be run"
    assert "64 MiB" in error.cause


def test_a_host_that_says_why_is_believed(api: FakeApi, limited: Limited) -> None:
    api.past = [{"Action": "oom"}]
    error = limited().gone("build_wheel", "no such folder")
    assert error.message == "build_wheel could not be run in the container"
    assert error.cause == "Its host says: no such folder."


def test_a_container_whose_programs_cannot_be_run_there_says_so(api: FakeApi) -> None:
    api.program = lambda _argv, _request: Ran(printed="exec /sbin/docker-init: exec format error")
    container = Container(engine(api), PLAN)
    container.make()
    container.start({"preload": [], "own": []})
    container.send({"run": ["python", "/hwb/program/execute.py", "true"]})
    wait_for(lambda: container.receive(None) == {"ended": 0, "files": {}})
    container.hand_on(None)
    limits = HookLimits(engine(api), container, memory=None)
    assert limits.gone("build_wheel", "").message == "The engine's machine cannot run programs for linux/arm64"
    container.close()

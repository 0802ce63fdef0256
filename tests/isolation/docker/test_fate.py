"""What an engine remembers of a container's end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from fake_engine import BASE, FakeApi, engine

from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.fate import Fate, _seconds, fate, out_of_memory
from headless_wheel_builder.isolation.docker.plan import Plan

MIB = 1024**2
PLAN = Plan(image=BASE, platform="linux/amd64", argv=("python",))
DIED: dict[str, Any] = {"Action": "die", "Actor": {"Attributes": {"exitCode": "3"}}}
# 2024-05-06T07:08:09Z
MOMENT = 1714979289


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def container(api: FakeApi) -> Iterator[Container]:
    made = Container(engine(api), PLAN)
    made.make()
    yield made
    api.made[made.id].stream.close()
    made.close()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-06T07:08:09Z", MOMENT),
        # Docker, in UTC and elsewhere; podman.
        ("2024-05-06T07:08:09.123456789Z", MOMENT),
        ("2024-05-06T09:08:09.123456789+02:00", MOMENT),
        ("2024-05-06T01:38:09.1-05:30", MOMENT),
        ("2024-05-06T07:08:09.999999999+00:00", MOMENT),
    ],
)
def test_an_engines_clock_is_read_as_engines_write_it(text: str, moment: int) -> None:
    assert _seconds(text) == moment


@pytest.mark.parametrize(
    ("past", "cause"),
    [
        ([{"Action": "oom"}, DIED], "The container reached its limit of 512 MiB: the system killed a process in it."),
        ([{"status": "oom"}, {"status": "die"}], "The container reached its limit of 512 MiB: the system killed"),
        ([{"Action": "kill"}, DIED], "Somebody killed or stopped the container."),
        ([{"Action": "stop"}, DIED], "Somebody killed or stopped the container."),
        ([DIED], "Its main process ended with status 3."),
        ([], "Its main process ended with status unknown."),
    ],
)
def test_what_is_remembered_says_why(
    api: FakeApi, container: Container, past: list[dict[str, Any]], cause: str
) -> None:
    api.past = past
    found = fate(engine(api), container, 512 * MIB)
    assert found.cause.startswith(cause)
    assert found.hint


def test_only_the_container_is_asked_about_and_by_the_engines_clock(api: FakeApi, container: Container) -> None:
    fate(engine(api), container, None)
    assert api.asked["filters"] == {"container": [container.id]}
    assert api.asked["since"] < MOMENT < api.asked["until"]


def test_an_engine_that_is_gone_is_the_reason() -> None:
    class Gone(FakeApi):
        def events(self, **_: Any) -> Iterator[dict[str, Any]]:
            raise ConnectionRefusedError(111, "Connection refused")

    api = Gone()
    container = Container(engine(api), PLAN)
    container.make()
    found = fate(engine(api), container, None)
    assert found == Fate("The engine does not answer any more: Connection refused.", "Was it stopped? Start it again.")
    api.made[container.id].stream.close()
    container.close()


def test_a_machine_without_a_limit_has_one_of_its_own() -> None:
    assert out_of_memory(None).cause.startswith("The container reached as much as the engine's machine has:")
    assert out_of_memory(1536 * MIB).cause.startswith("The container reached its limit of 1536 MiB:")
    assert "--memory" in out_of_memory(None).hint


def test_the_time_zone_of_this_machine_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert _seconds("2024-05-06T07:08:09Z") == dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone.utc).timestamp()

"""What stays on an engine, and what goes."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import time
from typing import Any

import pytest
from fake_engine import FakeApi, engine, image

from headless_wheel_builder.isolation.docker.keeping import (
    BASE,
    CREATED,
    KEY,
    is_lost,
    kept_labels,
    remove_lost,
    since,
    superfluous,
    tidy,
)
from headless_wheel_builder.isolation.docker.maker import mark
from headless_wheel_builder.isolation.docker.plan import KEPT, LABEL, MAKER
from headless_wheel_builder.process import Cancelled, Processes

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
GIB = 1024**3


def kept(name: str, age: float = 0.0, size: int = 1000, *, key: str = "key", base: str = "") -> dict[str, Any]:
    """Return an image that was made so long ago."""
    return image(name, labels={KEY: key, CREATED: f"{NOW - age:.0f}", BASE: base}, size=size)


def listed(name: str, age: float, state: str = "exited", **labels: str) -> dict[str, Any]:
    """Return a container as engines list them."""
    labels = {LABEL: name, **labels}
    return {"Id": name, "Names": [f"/{name}"], "Labels": labels, "Created": NOW - age, "State": state}


def test_labels_say_what_an_image_is_the_answer_to_and_when_it_was_made() -> None:
    before = int(time.time())
    labels = kept_labels("question", "sha256:base")
    assert labels[KEY] == hashlib.sha256(b"question").hexdigest()
    assert before <= int(labels[CREATED]) <= time.time()
    assert labels[BASE] == "sha256:base"
    assert kept_labels("")[KEY] == ""


@pytest.mark.parametrize(
    ("one", "goes"),
    [
        (kept("new"), False),
        (kept("last month", 29 * DAY), False),
        (kept("older", 31 * DAY), True),
        (kept("of this build", HOUR, key=""), False),
        (kept("of a build that crashed", 2 * DAY, key=""), True),
        (image("of nobody knows when", labels={KEY: "key", CREATED: "yesterday"}), True),
        (image("without a time", labels={KEY: "key"}), True),
    ],
    ids=lambda one: one["Id"] if isinstance(one, dict) else None,
)
def test_what_was_not_made_for_long_goes(one: dict[str, Any], goes: bool) -> None:
    assert superfluous([one], {}, NOW) == ([one["Id"]] if goes else [])


def test_of_too_much_the_oldest_goes() -> None:
    images = [kept("oldest", 3 * HOUR, 4 * GIB), kept("newest", 1 * HOUR, 4 * GIB), kept("middle", 2 * HOUR, 4 * GIB)]
    assert superfluous(images, {}, NOW) == ["oldest"]


def test_a_container_of_a_process_that_was_killed_is_lost_at_once() -> None:
    gone = mark().rpartition(":")[0] + ":1"
    assert is_lost(listed("new", 1, "created", **{MAKER: gone}), NOW)
    assert is_lost(listed("new", 1, "running", **{MAKER: gone}), NOW)
    assert not is_lost(listed("new", 1, "created", **{MAKER: mark()}), NOW)
    assert not is_lost(listed("kept for its user", 1, "running", **{MAKER: gone, KEPT: "1"}), NOW)


def test_a_container_that_runs_is_not_lost_while_whoever_made_it_is_there() -> None:
    assert not is_lost(listed("of a very long build", 30 * DAY, "running", **{MAKER: mark()}), NOW)
    assert is_lost(listed("of a very long program", 30 * DAY, "exited", **{MAKER: mark()}), NOW)


@pytest.mark.parametrize("names", [["/somebody's"], ["/somebody's", "/linked/to"], [], None])
def test_a_container_that_somebody_made_of_our_image_is_never_lost(names: list[str] | None) -> None:
    """An image has the labels of the container that it was made of, and gives them to those that are made of it."""
    gone = mark().rpartition(":")[0] + ":1"
    container = {**listed("ours", 3 * DAY, "running", **{MAKER: gone}), "Names": names}
    assert not is_lost(container, NOW)


def test_what_an_image_is_made_of_does_not_count() -> None:
    images = [kept(str(age), age * HOUR, 3 * GIB, base="base") for age in range(9)]
    assert superfluous(images, {"base": 2 * GIB}, NOW) == []
    assert superfluous(images, {}, NOW) == ["3", "4", "5", "6", "7", "8"]


def test_a_small_one_that_still_fits_stays_beside_a_large_one_that_does_not() -> None:
    images = [kept("a", 1, 6 * GIB), kept("b", 2, 6 * GIB), kept("c", 3, GIB)]
    assert superfluous(images, {}, NOW) == ["b"]


@pytest.mark.parametrize(
    ("container", "is_so"),
    [
        (listed("just made", 10, "created"), False),
        (listed("never started", 2 * HOUR, "created"), True),
        (listed("left by a crash", 2 * HOUR), True),
        (listed("of a long build", DAY, "running"), False),
        (listed("of a machine that went away", 3 * DAY, "running"), True),
        (listed("kept for the user", 300 * DAY, "running", **{KEPT: "hwb-1"}), False),
    ],
    ids=lambda one: one["Id"] if isinstance(one, dict) else None,
)
def test_a_container_is_lost_when_nobody_can_have_it_any_more(container: dict[str, Any], is_so: bool) -> None:
    assert is_lost(container, NOW) is is_so


@pytest.fixture
def api() -> FakeApi:
    """Be an engine with lost and used containers, old and new images, and what is none of our business."""
    api = FakeApi()
    age = time.time() - NOW
    for one in (listed("lost", 2 * HOUR), listed("used", HOUR, "running"), listed("lost too", 9 * HOUR)):
        api.listed.append({**one, "Created": one["Created"] + age})
    api.listed.append({"Id": "another's", "Labels": {}, "Created": 0, "State": "exited"})
    api.kept = {
        "old": kept("old", 31 * DAY - age),
        "older": kept("older", 32 * DAY - age),
        "new": kept("new", DAY - age),
        "another's": image("another's", size=99 * GIB),
    }
    return api


def test_what_is_superfluous_or_lost_is_removed_and_nothing_else(api: FakeApi) -> None:
    remove_lost(engine(api), lambda: None)
    tidy(engine(api), lambda: None)
    assert sorted(api.gone) == ["lost", "lost too", "old", "older"]
    assert api.kept.keys() == {"new", "another's"}


def test_what_does_not_go_stays_and_keeps_nothing_else_from_going(api: FakeApi) -> None:
    api.stuck = {"lost", "old"}
    remove_lost(engine(api), lambda: None)
    tidy(engine(api), lambda: None)
    assert sorted(api.gone) == ["lost too", "older"]


def test_an_engine_that_does_not_answer_is_left_alone() -> None:
    class Silent(FakeApi):
        def containers(self, **_: Any) -> list[dict[str, Any]]:
            raise TimeoutError("timed out")

    tidy(engine(Silent()), lambda: None)


def test_tidying_ends_with_its_build(api: FakeApi) -> None:
    processes = Processes()
    processes.cancel()
    with pytest.raises(Cancelled):
        tidy(engine(api), processes.checkpoint)
    assert api.gone == []


def test_volumes_that_an_engine_forgot_are_removed_when_nobody_can_be_about_to_use_them() -> None:
    api = FakeApi()
    now = dt.datetime.now(dt.timezone.utc)
    past = (now - dt.timedelta(hours=1)).isoformat(timespec="seconds")
    api.left = [
        {"Name": "old", "CreatedAt": past},
        {"Name": "of podman", "CreatedAt": past.replace("+00:00", ".123456789Z")},
        {"Name": "new", "CreatedAt": now.isoformat(timespec="seconds")},
        {"Name": "of an engine that writes no times"},
    ]
    remove_lost(engine(api), lambda: None)
    assert api.gone == ["old", "of podman"]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 24 * HOUR),
        ("1970-01-02T02:00:00.5+02:00", 24 * HOUR),
        ("1970-01-01T23:00:00.123456789-01:00", 24 * HOUR),
        ("yesterday", math.inf),
    ],
)
def test_times_of_engines_are_read(time: str, seconds: float) -> None:
    assert since(time) == seconds

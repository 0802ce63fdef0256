"""How long tasks took in earlier runs, kept in the store."""

from __future__ import annotations

from support import make_context

from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.store import Store
from headless_wheel_builder.jobs.durations import Durations, _question


def test_what_is_remembered_is_recalled_by_another_run() -> None:
    context = make_context()
    Durations(context).remember("pkg", "cp312-linux", 3.5)
    assert Durations(context).recall("pkg", ["cp312-linux", "cp313-linux"]) == {"cp312-linux": 3.5}


def test_projects_and_targets_are_told_apart() -> None:
    durations = Durations(make_context())
    durations.remember("one", "cp312", 1)
    durations.remember("two", "cp312", 2)
    durations.remember("one", "cp313", 3)
    assert durations.recall("one", ["cp312", "cp313"]) == {"cp312": 1.0, "cp313": 3.0}
    assert durations.recall("two", ["cp312", "cp313"]) == {"cp312": 2.0}


def test_the_last_run_counts() -> None:
    durations = Durations(make_context())
    durations.remember("pkg", "cp312", 1)
    durations.remember("pkg", "cp312", 2)
    assert durations.recall("pkg", ["cp312"]) == {"cp312": 2.0}


def test_an_answer_that_is_no_duration_is_none() -> None:
    context = make_context()
    store = Store(cache_folder(context.environ))
    for name, answer in (("a", {}), ("b", {"seconds": "long"}), ("c", {"seconds": None})):
        store.remember(_question("pkg", name), answer)
    assert Durations(context).recall("pkg", "abc") == {}

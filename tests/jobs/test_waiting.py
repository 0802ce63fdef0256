"""The order of the wheels of a project."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobs.runs import LINUX, MUSL, MUSL_PLATFORMS, make_target, make_tasks

from headless_wheel_builder.isolation.target import Target
from headless_wheel_builder.jobs.task import Expectation, WheelTask
from headless_wheel_builder.jobs.waiting import Waiting


def waiting(
    folder: Path,
    *targets: str | Target,
    expectation: Expectation = "platform",
    durations: dict[str, float] | None = None,
) -> tuple[Waiting, dict[str, WheelTask]]:
    tasks = make_tasks(folder, *targets).wheels
    seconds = {f"{name}-{LINUX}": one for name, one in (durations or {}).items()}
    return Waiting(tasks, expectation, seconds), {short(task): task for task in tasks}


def short(task: WheelTask) -> str:
    return task.identifier.removesuffix(f"-{LINUX}")


def ready(found: Waiting) -> list[str]:
    return [short(task) for task in found.ready()]


def on_musl(name: str) -> Target:
    return make_target(name, MUSL, MUSL_PLATFORMS)


def test_what_took_longest_begins_first(tmp_path: Path) -> None:
    durations = {"cp310": 3.0, "cp311": 9.0, "cp312": 5.0}
    found, _ = waiting(tmp_path, "cp310", "cp311", "cp312", durations=durations)
    assert ready(found) == ["cp311", "cp312", "cp310"]


def test_what_nothing_is_known_of_begins_before_all_others(tmp_path: Path) -> None:
    found, _ = waiting(tmp_path, "cp310", "cp311", "cp312", durations={"cp310": 3.0, "cp311": 9.0})
    assert ready(found) == ["cp312", "cp311", "cp310"]


def test_without_durations_the_order_is_that_of_the_user(tmp_path: Path) -> None:
    found, _ = waiting(tmp_path, "cp312", "cp310", "cp311")
    assert ready(found) == ["cp312", "cp310", "cp311"]


def test_wheels_that_serve_one_target_only_send_no_scout(tmp_path: Path) -> None:
    found, _ = waiting(tmp_path, "cp310", "cp311", expectation="platform")
    assert ready(found) == ["cp310", "cp311"]


def test_a_pure_project_sends_one_scout_wherever_its_targets_run(tmp_path: Path) -> None:
    targets = ("cp311", "cp310", on_musl("cp311"))
    found, tasks = waiting(tmp_path, *targets, expectation="pure", durations={"cp310": 9.0})
    assert ready(found) == ["cp311"]
    found.begin(tasks["cp311"])
    assert ready(found) == []


def test_an_abi3_project_sends_the_oldest_interpreter_of_each_place(tmp_path: Path) -> None:
    targets = ("cp313", "cp39", "cp310", on_musl("cp312"), on_musl("cp310"))
    found, _ = waiting(tmp_path, *targets, expectation="abi3")
    assert sorted(ready(found)) == [f"cp310-{MUSL}", "cp39"]


def test_who_can_have_no_abi3_wheel_is_no_scout(tmp_path: Path) -> None:
    found, _ = waiting(tmp_path, "pp39", "cp310t", "cp312", expectation="abi3")
    assert ready(found) == ["cp312"]


def test_where_nobody_can_be_a_scout_nobody_waits(tmp_path: Path) -> None:
    found, _ = waiting(tmp_path, "pp39", "cp313t", expectation="abi3")
    assert ready(found) == ["pp39", "cp313t"]


@pytest.mark.parametrize("expectation", ["pure", "unknown", "abi3"])
def test_when_a_scout_has_ended_the_others_wait_no_more(tmp_path: Path, expectation: Expectation) -> None:
    found, tasks = waiting(tmp_path, "cp39", "cp310", "cp311", expectation=expectation)
    found.begin(tasks["cp39"])
    assert ready(found) == []
    found.release(tasks["cp39"])
    assert ready(found) == ["cp310", "cp311"]


def test_who_is_taken_away_does_not_hold_up_others(tmp_path: Path) -> None:
    found, tasks = waiting(tmp_path, "cp39", "cp310", "cp311", expectation="abi3")
    assert found.take(lambda task: task is tasks["cp39"]) == [tasks["cp39"]]
    assert ready(found) == ["cp310", "cp311"]
    assert found.take(lambda _: True) == [tasks["cp310"], tasks["cp311"]]
    assert not found


def test_nobody_waits_where_there_is_no_task() -> None:
    for expectation in ("pure", "abi3"):
        assert list(Waiting((), expectation, {}).ready()) == []

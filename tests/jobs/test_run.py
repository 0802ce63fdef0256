"""Runs of many tasks, on real threads; what the tasks do is said by each test."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from core.archives import make_sdist
from jobs.runs import (
    LINUX,
    MUSL,
    MUSL_PLATFORMS,
    FakeCrew,
    Watcher,
    build,
    building,
    failing,
    make_target,
    make_tasks,
    outcomes,
    sdist_in,
    statuses,
    until_cancelled,
)
from support import Recorder, make_context

from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import InterpreterError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.target import Missing
from headless_wheel_builder.jobs.durations import Durations
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import Expectation, SdistTask, Task
from headless_wheel_builder.process import Cancelled
from headless_wheel_builder.values import changed

MISSING = Missing("3.9", LINUX, InterpreterError("Python 3.9 was not found"))
ABI3 = "cp39-abi3-manylinux_2_17_x86_64"


def dist(folder: Path, name: str = "pkg") -> list[str]:
    place = folder / name / "dist"
    return sorted(os.listdir(place)) if place.exists() else []


def test_all_wheels_come_from_one_sdist(tmp_path: Path) -> None:
    crew = FakeCrew(slots=2)
    results = outcomes(make_tasks(tmp_path, "cp310", "cp311", "cp312"), crew, make_context())
    assert statuses(results) == dict.fromkeys(("sdist", "cp310", "cp311", "cp312"), "built")
    assert crew.begun.count("sdist") == 1
    assert crew.begun[0] == "sdist"
    sources = {source for identifier, source in crew.sources.items() if identifier != "sdist"}
    assert [os.path.basename(source) for source in sources] == ["pkg-1.0.tar.gz"]
    # The published one may be changed by anybody.
    assert os.fspath(tmp_path / "pkg" / "dist") not in {os.path.dirname(source) for source in sources}


def test_each_artifact_is_in_the_output_folder_when_its_result_comes(tmp_path: Path) -> None:
    run = Run([make_tasks(tmp_path, "cp310", "cp311")], FakeCrew(), make_context(), Watcher())
    for number, result in enumerate(run.results(), start=1):
        assert result.artifact is not None
        assert result.artifact.path.parent == tmp_path / "pkg" / "dist"
        assert result.artifact.path.is_file()
        assert result.log == f"log of {result.artifact.path.name}"
        assert len([name for name in dist(tmp_path) if name.startswith("pkg")]) == number
    assert number == 3


def test_nothing_but_artifacts_is_left(tmp_path: Path, temporary: Path) -> None:
    outcomes(make_tasks(tmp_path, "cp310"), FakeCrew(), make_context())
    assert dist(tmp_path) == ["pkg-1.0-cp310-cp310-manylinux_2_28_x86_64.whl", "pkg-1.0.tar.gz"]
    assert os.listdir(temporary) == []


def test_a_pure_wheel_serves_the_others_which_are_not_begun(tmp_path: Path) -> None:
    crew = FakeCrew(building({"cp310": "py3-none-any"}))
    tasks = make_tasks(tmp_path, "cp310", "cp311", "pp311", expectation="unknown")
    results = outcomes(tasks, crew, make_context())
    assert statuses(results) == {"sdist": "built", "cp310": "built", "cp311": "served", "pp311": "served"}
    assert crew.begun == ["sdist", f"cp310-{LINUX}"]
    assert results[f"cp311-{LINUX}"].artifact == results[f"cp310-{LINUX}"].artifact


def test_an_abi3_wheel_serves_newer_interpreters_of_its_platform_only(tmp_path: Path) -> None:
    targets = ("cp38", "cp39", "cp312", "cp313t", make_target("cp312", MUSL, MUSL_PLATFORMS))
    tags = {"cp39": ABI3}
    tasks = make_tasks(tmp_path, *targets)
    results = outcomes(tasks, FakeCrew(building(tags)), make_context())
    built = {identifier for identifier, status in statuses(results).items() if status == "built"}
    assert built == {"sdist", "cp38", "cp39", "cp313t", f"cp312-{MUSL}"}
    assert results[f"cp312-{LINUX}"].status == "served"


def test_a_wheel_that_is_being_built_is_given_up_when_another_serves_its_target(tmp_path: Path) -> None:
    others = threading.Event()

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier.startswith("cp311"):
            return until_cancelled(context, others)
        if task.identifier.startswith("cp310"):
            assert others.wait(20)
        return build(task, source, folder, context, {"cp310": ABI3})

    results = outcomes(make_tasks(tmp_path, "cp310", "cp311"), FakeCrew(work, slots=2), make_context())
    assert statuses(results) == {"sdist": "built", "cp310": "built", "cp311": "served"}


def test_a_wheel_that_was_built_although_another_serves_its_target_is_not_published(tmp_path: Path) -> None:
    barrier = threading.Barrier(2)

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if not isinstance(task, SdistTask):
            barrier.wait(20)
        return build(task, source, folder, context, {"cp310": "py3-none-any", "cp311": "py3-none-any"})

    results = outcomes(make_tasks(tmp_path, "cp310", "cp311"), FakeCrew(work, slots=2), make_context())
    assert sorted(statuses(results).values()) == ["built", "built", "served"]
    assert dist(tmp_path) == ["pkg-1.0-py3-none-any.whl", "pkg-1.0.tar.gz"]


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("order", [("cp310", "cp311", "cp312", "pp311"), ("pp311", "cp312", "cp311", "cp310")])
def test_a_pure_wheel_of_a_project_that_compiles_something_serves_no_other_target(
    tmp_path: Path, slots: int, order: tuple[str, ...]
) -> None:
    tags = {"cp310": "py3-none-any", "pp311": "py3-none-any"}
    crew = FakeCrew(building(tags), slots=slots)
    results = outcomes(make_tasks(tmp_path, *order), crew, make_context())
    assert sorted(statuses(results).values()) == ["built", "built", "built", "built", "served"]
    assert results[f"cp311-{LINUX}"].status == results[f"cp312-{LINUX}"].status == "built"
    assert len(dist(tmp_path)) == 4


def test_where_the_interpreter_of_the_sdist_is_gone_another_makes_it(tmp_path: Path) -> None:
    targets = [make_target(name, python=name) for name in ("cp310", "cp311")]
    tasks = make_tasks(tmp_path, *targets)
    assert tasks.sdist is not None
    tasks = changed(tasks, sdist=changed(tasks.sdist, python="cp310"))

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if isinstance(task, SdistTask) and task.python == "cp310":
            raise InterpreterError("There is no interpreter at cp310")
        return build(task, source, folder, context)

    results = outcomes(tasks, FakeCrew(work), make_context())
    assert statuses(results) == {"sdist": "built", "cp310": "built", "cp311": "built"}


def test_where_all_interpreters_are_gone_the_sdist_has_failed(tmp_path: Path) -> None:
    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        raise InterpreterError(f"gone: {task} {source} {folder} {context.verbosity}")

    results = outcomes(make_tasks(tmp_path, "cp310", "cp311"), FakeCrew(work), make_context())
    assert statuses(results) == {"sdist": "failed", "cp310": "stopped", "cp311": "stopped"}


@pytest.mark.parametrize(("expectation", "tag"), [("pure", "py3-none-any"), ("abi3", "cp39-abi3-linux_x86_64")])
def test_where_one_wheel_is_likely_to_do_the_others_wait_for_it(
    tmp_path: Path, expectation: Expectation, tag: str
) -> None:
    crew = FakeCrew(building({"cp39": tag}), slots=4)
    tasks = make_tasks(tmp_path, "cp39", "cp310", "cp311", expectation=expectation)
    assert list(statuses(outcomes(tasks, crew, make_context())).values()) == ["built", "built", "served", "served"]
    assert crew.begun == ["sdist", f"cp39-{LINUX}"]


@pytest.mark.parametrize("expectation", ["pure", "abi3"])
def test_a_scout_that_fails_or_serves_itself_only_costs_the_others_nothing(
    tmp_path: Path, expectation: Expectation
) -> None:
    for name, work in (("failing", failing(f"cp39-{LINUX}")), ("own", build)):
        tasks = make_tasks(tmp_path, "cp39", "cp310", "cp311", name=name, expectation=expectation)
        results = statuses(outcomes(tasks, FakeCrew(work, slots=2), make_context()))
        assert results.pop("cp39") == ("failed" if name == "failing" else "built")
        assert set(results.values()) == {"built"}


def test_a_scout_that_is_given_up_for_another_wheel_keeps_nobody_waiting(tmp_path: Path) -> None:
    scout = threading.Event()

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier == f"cp310-{LINUX}":
            return until_cancelled(context, scout)
        if task.identifier.startswith("cp39"):
            assert scout.wait(20)
        return build(task, source, folder, context, {"cp39": "cp39-abi3-linux_x86_64"})

    anywhere = make_target("cp39", "linux_x86_64", ("linux_x86_64",))
    tasks = make_tasks(tmp_path, anywhere, "cp310", "cp313t", expectation="abi3")
    results = statuses(outcomes(tasks, FakeCrew(work, slots=2), make_context()))
    assert results == {"sdist": "built", "cp39-linux_x86_64": "built", "cp310": "served", "cp313t": "built"}


def test_a_failing_target_does_not_cost_the_others(tmp_path: Path) -> None:
    results = outcomes(
        make_tasks(tmp_path, "cp310", "cp311", "cp312"), FakeCrew(failing(f"cp311-{LINUX}")), make_context()
    )
    assert statuses(results) == {"sdist": "built", "cp310": "built", "cp311": "failed", "cp312": "built"}
    error = results[f"cp311-{LINUX}"].error
    assert error is not None
    assert (error.message, error.cause) == (f"cp311-{LINUX} is wrong", "That is so.")
    assert len(dist(tmp_path)) == 3


def test_what_the_system_refuses_is_a_failure_of_that_target(tmp_path: Path) -> None:
    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier.startswith("cp310"):
            raise PermissionError(13, "Permission denied", "/x")
        return build(task, source, folder, context)

    results = outcomes(make_tasks(tmp_path, "cp310", "cp311"), FakeCrew(work), make_context())
    assert statuses(results) == {"sdist": "built", "cp310": "failed", "cp311": "built"}
    assert "Permission denied" in str(results[f"cp310-{LINUX}"].error)


def test_without_an_sdist_no_wheel_is_begun_and_each_is_named(tmp_path: Path) -> None:
    crew = FakeCrew(failing("sdist"))
    tasks = make_tasks(tmp_path, "cp310", "cp311", missing=[MISSING])
    results = statuses(outcomes(tasks, crew, make_context()))
    assert results == {"sdist": "failed", "cp310": "stopped", "cp311": "stopped", "3.9": "missing"}
    assert crew.begun == ["sdist"]
    assert dist(tmp_path) == []


def test_a_failing_project_does_not_cost_the_others(tmp_path: Path) -> None:
    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        return failing(*(["sdist"] if task.project.name == "bad" else []))(task, source, folder, context)

    both = [make_tasks(tmp_path, "cp310", name="bad"), make_tasks(tmp_path, "cp310", name="good")]
    results = statuses(outcomes(both, FakeCrew(work), make_context()))
    assert results == {"bad sdist": "failed", "bad cp310": "stopped", "good sdist": "built", "good cp310": "built"}


def test_fail_fast_ends_what_runs_and_begins_nothing_more(tmp_path: Path) -> None:
    other = threading.Event()

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier.startswith("cp310"):
            return until_cancelled(context, other)
        if task.identifier.startswith("cp311"):
            assert other.wait(20)
            assert crew.was_full.wait(20)
        return failing(f"cp311-{LINUX}")(task, source, folder, context)

    crew = FakeCrew(work, slots=2)
    watcher = Watcher()
    tasks = make_tasks(tmp_path, "cp310", "cp311", "cp312")
    results = outcomes(tasks, crew, make_context(), watcher, fail_fast=True)
    assert statuses(results) == {"sdist": "built", "cp310": "stopped", "cp311": "failed", "cp312": "stopped"}
    assert f"cp312-{LINUX}" not in crew.begun
    assert dist(tmp_path) == ["pkg-1.0.tar.gz"]
    assert watcher.ended_ones == list(results.values())


def test_fail_fast_counts_a_missing_interpreter_as_a_failure(tmp_path: Path) -> None:
    crew = FakeCrew()
    tasks = make_tasks(tmp_path, "cp310", missing=[MISSING])
    results = outcomes(tasks, crew, make_context(), fail_fast=True)
    assert statuses(results) == {"3.9": "missing", "sdist": "stopped", "cp310": "stopped"}
    assert crew.begun == []


def test_excluded_and_missing_targets_are_named_and_not_tried(tmp_path: Path) -> None:
    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        return sdist_in(folder, ">=3.10") if isinstance(task, SdistTask) else build(task, source, folder, context)

    crew = FakeCrew(work)
    results = outcomes(make_tasks(tmp_path, "cp38", "cp310", missing=[MISSING]), crew, make_context())
    assert statuses(results) == {"3.9": "missing", "sdist": "built", "cp38": "excluded", "cp310": "built"}
    assert crew.begun == ["sdist", f"cp310-{LINUX}"]
    assert str(results[f"cp38-{LINUX}"].error) == "pkg 1.0 requires Python >=3.10"
    assert str(results[f"3.9-{LINUX}"].error) == "Python 3.9 was not found"


@pytest.mark.parametrize("is_whole_run", [True, False])
def test_a_cancelled_run_keeps_what_was_finished_and_names_all_the_rest(
    tmp_path: Path, temporary: Path, is_whole_run: bool
) -> None:
    begun, ended = threading.Event(), []

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier.startswith(("cp311", "cp312")):
            (folder / "half.whl").write_text("half")
            try:
                return until_cancelled(context, begun)
            finally:
                ended.append(context.processes.cancelled)
        return build(task, source, folder, context)

    context, crew, watcher = make_context(), FakeCrew(work, slots=2), Watcher()
    results = Run([make_tasks(tmp_path, "cp310", "cp311", "cp312")], crew, context, watcher).results()
    told = [next(results), next(results)]
    assert begun.wait(20)
    if is_whole_run:
        context.processes.cancel()
        with pytest.raises(Cancelled):
            told += results
        assert [one.status for one in told] == ["built", "built", "stopped", "stopped"]
        assert len(watcher.ended_ones) == 4
    else:
        results.close()  # type: ignore[attr-defined]
    assert crew.is_shut_down
    assert ended
    assert all(ended)
    assert dist(tmp_path) == ["pkg-1.0-cp310-cp310-manylinux_2_28_x86_64.whl", "pkg-1.0.tar.gz"]
    assert os.listdir(temporary) == []


@pytest.mark.parametrize("fail_fast", [True, False])
def test_when_an_sdist_is_given_up_its_wheels_are_named(tmp_path: Path, fail_fast: bool) -> None:
    begun = threading.Event()
    context = make_context()

    def work(task: Task, source: str, folder: Path, own: Context) -> BuildResult:
        if task.project.name == "slow":
            return until_cancelled(own, begun)
        assert begun.wait(20)
        if not fail_fast:
            context.processes.cancel()
        return failing("sdist")(task, source, folder, own)

    both = [make_tasks(tmp_path, "cp310", name="slow"), make_tasks(tmp_path, "cp311", name="other")]
    watcher = Watcher()
    run = Run(both, FakeCrew(work, slots=2), context, watcher, fail_fast=fail_fast)
    told = []
    try:
        told += run.results()
    except Cancelled:
        told = watcher.ended_ones
    found = {f"{one.project.name} {one.identifier}": one.status for one in told}
    assert len(found) == len(told)
    assert found.pop("other sdist") == "failed"
    names = ("slow sdist", f"slow cp310-{LINUX}", f"other cp311-{LINUX}")
    assert found == dict.fromkeys(names, "stopped")


def test_nothing_is_begun_in_a_run_that_was_cancelled_before(tmp_path: Path) -> None:
    context, crew, watcher = make_context(), FakeCrew(), Watcher()
    context.processes.cancel()
    with pytest.raises(Cancelled):
        list(Run([make_tasks(tmp_path, "cp310")], crew, context, watcher).results())
    assert [one.status for one in watcher.ended_ones] == ["stopped", "stopped"]
    assert crew.begun == []


def test_two_targets_that_would_write_the_same_file_are_an_error_of_the_later_one(tmp_path: Path) -> None:
    work = building({"cp311": "cp37-cp37m-linux_x86_64", "cp312": "cp37-cp37m-linux_x86_64"})
    results = outcomes(make_tasks(tmp_path, "cp310", "cp311", "cp312"), FakeCrew(work), make_context())
    assert statuses(results) == {"sdist": "built", "cp310": "built", "cp311": "built", "cp312": "failed"}
    error = results[f"cp312-{LINUX}"].error
    assert error is not None
    assert (
        error.message == f"pkg-1.0-cp37-cp37m-linux_x86_64.whl is what pkg cp311-{LINUX} made already; that one stays"
    )
    assert "--outdir" in error.hint


def test_two_projects_that_would_write_the_same_file_are_an_error_of_the_later_one(tmp_path: Path) -> None:
    both = [make_tasks(tmp_path, "cp310", name=name, output_dir=tmp_path / "dist") for name in ("one", "two")]
    results = statuses(outcomes(both, FakeCrew(), make_context()))
    assert results["one sdist"] == "built"
    assert results["two sdist"] == "failed"
    assert results["two cp310"] == "stopped"


def test_an_artifact_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "pkg" / "dist" / "pkg-1.0-cp310-cp310-manylinux_2_28_x86_64.whl"
    place.parent.mkdir(parents=True)
    place.write_text("old")
    assert statuses(outcomes(make_tasks(tmp_path, "cp310"), FakeCrew(), make_context()))["cp310"] == "built"
    assert place.read_bytes() != b"old"


def test_several_sources_are_built_in_one_pool_sdists_first(tmp_path: Path) -> None:
    both = [make_tasks(tmp_path, "cp310", "cp311", name=name) for name in ("one", "two")]
    crew = FakeCrew()
    results = outcomes(both, crew, make_context())
    assert set(statuses(results).values()) == {"built"}
    assert crew.begun[:2] == ["sdist", "sdist"]
    assert len(dist(tmp_path, "one")) == len(dist(tmp_path, "two")) == 3


def test_an_sdist_that_is_not_wanted_is_built_and_not_published(tmp_path: Path) -> None:
    crew, watcher = FakeCrew(), Watcher()
    results = outcomes(make_tasks(tmp_path, "cp310", is_sdist_wanted=False), crew, make_context(), watcher)
    assert statuses(results) == {"cp310": "built"}
    assert dist(tmp_path) == ["pkg-1.0-cp310-cp310-manylinux_2_28_x86_64.whl"]
    # Whoever shows the run has to hear that it has ended.
    assert sorted(watcher.begun) == sorted(one.identifier for one in watcher.ended_ones)


def test_an_sdist_as_a_source_is_not_built_again(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    crew = FakeCrew()
    results = outcomes(of_sdist(tmp_path, archive), crew, make_context())
    assert statuses(results) == {"cp310": "built", "cp311": "built"}
    assert crew.sources[f"cp310-{LINUX}"] == os.fspath(archive)


def test_an_sdist_that_is_none_costs_its_wheels_and_nobody_else(tmp_path: Path) -> None:
    archive = tmp_path / "pkg-1.0.tar.gz"
    archive.write_text("nothing")
    both = [changed(of_sdist(tmp_path, archive), missing=(MISSING,)), make_tasks(tmp_path, "cp310", name="good")]
    results = outcomes(both, FakeCrew(), make_context())
    assert statuses(results) == {
        "pkg 3.9": "missing",
        "pkg sdist": "failed",
        "pkg cp310": "stopped",
        "pkg cp311": "stopped",
        "good sdist": "built",
        "good cp310": "built",
    }


def of_sdist(folder: Path, archive: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201
    tasks = make_tasks(folder, "cp310", "cp311")
    project = changed(tasks.project, source=os.fspath(archive), from_sdist=True, wants_sdist=False)
    wheels = tuple(changed(task, project=project) for task in tasks.wheels)
    return changed(tasks, project=project, sdist=None, wheels=wheels)


def test_what_took_longest_in_an_earlier_run_begins_first(tmp_path: Path) -> None:
    context = make_context()
    for name, seconds in (("cp310", 1.0), ("cp311", 9.0), ("cp312", 5.0)):
        Durations(context).remember("pkg", f"{name}-{LINUX}", seconds)
    crew = FakeCrew()
    outcomes(make_tasks(tmp_path, "cp310", "cp311", "cp312", "cp313"), crew, context)
    order = [identifier.removesuffix(f"-{LINUX}") for identifier in crew.begun]
    assert order == ["sdist", "cp313", "cp311", "cp312", "cp310"]


def test_how_long_tasks_took_is_remembered_for_the_next_run(tmp_path: Path) -> None:
    context = make_context()
    names = (f"cp310-{LINUX}", f"cp311-{LINUX}")
    results = outcomes(make_tasks(tmp_path, "cp310", "cp311"), FakeCrew(failing(names[1])), context)
    assert Durations(context).recall("pkg", names) == {names[0]: results[names[0]].seconds}
    assert Durations(context).recall("another", names) == {}


def test_a_run_goes_on_where_durations_cannot_be_kept(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    recorder = Recorder()
    context = make_context(recorder, {**os.environ, "HWB_CACHE_DIR": os.fspath(blocked / "cache")})
    results = outcomes(make_tasks(tmp_path, "cp310"), FakeCrew(), context)
    assert set(statuses(results).values()) == {"built"}
    assert len(recorder.events) == 1


def test_as_many_tasks_run_at_once_as_there_is_room_for(tmp_path: Path) -> None:
    barrier = threading.Barrier(3)

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if not isinstance(task, SdistTask):
            barrier.wait(20)  # broken if there are fewer
        return build(task, source, folder, context)

    results = outcomes(make_tasks(tmp_path, "cp310", "cp311", "cp312"), FakeCrew(work, slots=3), make_context())
    assert set(statuses(results).values()) == {"built"}


def test_a_mistake_of_ours_ends_the_others_and_is_not_hidden(tmp_path: Path) -> None:
    begun = threading.Event()

    def work(task: Task, source: str, folder: Path, context: Context) -> BuildResult:
        if task.identifier.startswith("cp310"):
            return until_cancelled(context, begun)
        if task.identifier.startswith("cp311"):
            assert begun.wait(20)
            raise ZeroDivisionError
        return build(task, source, folder, context)

    crew = FakeCrew(work, slots=2)
    with pytest.raises(ZeroDivisionError):
        outcomes(make_tasks(tmp_path, "cp310", "cp311"), crew, make_context())
    assert crew.is_shut_down
    assert dist(tmp_path) == ["pkg-1.0.tar.gz"]

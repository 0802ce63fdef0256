"""What is wanted → the tasks of a run, and the parts of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from core.archives import make_sdist
from jobs.runs import LINUX, MUSL, MUSL_PLATFORMS, make_target, make_tasks
from support import FakeProvisioner, make_context

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.capacity import Capacity
from headless_wheel_builder.isolation.target import Missing, Target
from headless_wheel_builder.jobs.plan import Shard, Source, TargetStrategy, Wanted, is_for, plan_facts, planned
from headless_wheel_builder.jobs.task import Expectation, ProjectTasks
from headless_wheel_builder.values import changed


class Offering(FakeProvisioner):
    """A strategy that has these targets."""

    architecture = "x86_64"

    def __init__(self, folder: Path, *offers: Target | Missing) -> None:
        super().__init__(folder / "site-packages")
        self.offers = offers
        self.asked: list[tuple[str, ...]] = []

    def targets(self, wanted: Sequence[str], context: Context) -> Sequence[Target | Missing]:
        del context
        self.asked.append(tuple(wanted))
        return self.offers

    def capacity(self, context: Context) -> Capacity:
        raise AssertionError(f"not asked for: {context}")


MISSING = Missing("3.9", LINUX, InterpreterError("Python 3.9 was not found"))
OFFERS = (make_target("cp38"), make_target("cp310"), MISSING, make_target("cp311"))


def wanted(folder: Path, *sources: str, **options: Any) -> Wanted:
    for source in sources:
        (folder / source).mkdir(exist_ok=True)
    found = tuple(Source(path=os.fspath(folder / source)) for source in sources)
    return Wanted(**{"sources": found, "strategies": (Offering(folder, *OFFERS),), **options})


def names(plan: Sequence[ProjectTasks]) -> list[tuple[str, str]]:
    return [
        (tasks.project.name, one.identifier.removesuffix(f"-{LINUX}"))
        for tasks in plan
        for one in (*tasks.wheels, *tasks.missing)
    ]


def test_each_source_has_all_targets_of_each_strategy(tmp_path: Path) -> None:
    musl = Offering(tmp_path, make_target("cp310", MUSL, MUSL_PLATFORMS))
    asked = wanted(tmp_path, "one", "two", pythons=("3.10", "all"))
    strategies = (*asked.strategies, musl)
    plan = planned(changed(asked, strategies=strategies), make_context())
    expected = ["cp38", "cp310", "cp311", f"cp310-{MUSL}", "3.9"]
    assert names(plan) == [(source, name) for source in ("one", "two") for name in expected]
    assert [task.strategy for task in plan[0].wheels] == [strategies[0]] * 3 + [musl]
    # Looking at an image or at a machine takes time.
    assert musl.asked == [("3.10", "all")]


def test_a_strategy_that_knows_of_no_targets_builds_for_those_of_this_machine(tmp_path: Path) -> None:
    strategy = FakeProvisioner(tmp_path / "site-packages")
    assert not isinstance(strategy, TargetStrategy)
    assert isinstance(Offering(tmp_path), TargetStrategy)
    (tasks,) = planned(wanted(tmp_path, "one", strategies=(strategy,)), make_context())
    assert len(tasks.wheels) == 1


@pytest.mark.parametrize(("kinds", "is_wanted"), [((), True), (("wheel",), False), (("sdist", "wheel"), True)])
def test_the_sdist_is_always_made_and_published_unless_only_wheels_are_wanted(
    tmp_path: Path, kinds: tuple[str, ...], is_wanted: bool
) -> None:
    (tasks,) = planned(wanted(tmp_path, "one", kinds=frozenset(kinds)), make_context())
    assert tasks.sdist is not None
    assert tasks.project.wants_sdist is is_wanted
    assert len(tasks.wheels) == 3


def test_where_only_the_sdist_is_wanted_there_are_no_targets(tmp_path: Path) -> None:
    (tasks,) = planned(wanted(tmp_path, "one", kinds=frozenset({"sdist"})), make_context())
    assert tasks.sdist is not None
    assert (tasks.wheels, tasks.missing, tasks.project.wants_sdist) == ((), (), True)


def test_an_sdist_as_a_source_has_no_task_of_its_own(tmp_path: Path) -> None:
    archive = make_sdist(tmp_path)
    sources = (Source(path=os.fspath(archive)),)
    (tasks,) = planned(wanted(tmp_path, sources=sources), make_context())
    assert (tasks.sdist, tasks.project.wants_sdist, tasks.project.from_sdist) == (None, False, True)
    assert tasks.project.output_dir == os.fspath(tmp_path)


def test_artifacts_go_where_the_user_says_or_beside_each_source(tmp_path: Path) -> None:
    own = planned(wanted(tmp_path, "one", "two"), make_context())
    assert [tasks.project.output_dir for tasks in own] == [
        os.fspath(tmp_path / name / "dist") for name in ("one", "two")
    ]
    same = planned(wanted(tmp_path, "one", "two", output_dir="out"), make_context())
    assert {tasks.project.output_dir for tasks in same} == {"out"}


def test_a_source_is_called_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    (tasks,) = planned(wanted(tmp_path, sources=(Source(path="."),)), make_context())
    assert (tasks.project.name, tasks.project.source) == ("one", ".")


def test_the_sdist_is_made_by_an_interpreter_that_the_project_is_for(tmp_path: Path) -> None:
    pythons = (make_target("cp38", python="/old"), make_target("cp310", python="/new"))
    strategies = (Offering(tmp_path, *pythons),)
    for requires_python, python in ((">=3.9", "/new"), ("", "/old"), (">=4", "/old"), ("nonsense", "/old")):
        sources = (Source(path=os.fspath(tmp_path), requires_python=requires_python),)
        (tasks,) = planned(wanted(tmp_path, sources=sources, strategies=strategies), make_context())
        assert tasks.sdist is not None
        assert tasks.sdist.python == python


def test_without_any_interpreter_the_sdist_is_made_by_the_running_one(tmp_path: Path) -> None:
    (tasks,) = planned(wanted(tmp_path, "one", strategies=(Offering(tmp_path, MISSING),)), make_context())
    assert tasks.sdist is not None
    assert tasks.sdist.python is None
    assert names([tasks]) == [("one", "3.9")]


def test_what_cannot_be_read_excludes_nobody() -> None:
    assert is_for(make_target("cp310"), "three point ten")
    assert is_for(make_target("cp310"), "")
    assert not is_for(make_target("cp310"), ">=3.11")


@pytest.mark.parametrize("targets", [1, 2, 5, 7])
@pytest.mark.parametrize("sources", [("one",), ("one", "two", "three")])
@pytest.mark.parametrize("expectation", ["platform", "abi3", "pure", "unknown"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 30])
def test_every_target_is_in_exactly_one_of_the_parts(
    tmp_path: Path, targets: int, sources: tuple[str, ...], count: int, expectation: Expectation
) -> None:
    offers = [make_target(f"cp3{10 + number}") for number in range(targets)]
    asked = wanted(tmp_path, *sources, strategies=(Offering(tmp_path, *offers, MISSING),))
    asked = changed(asked, sources=tuple(changed(one, expectation=expectation) for one in asked.sources))
    whole = names(planned(asked, make_context()))
    parts = [planned(changed(asked, shard=Shard(index, count)), make_context()) for index in range(1, count + 1)]
    assert Counter(name for part in parts for name in names(part)) == Counter(whole)
    assert len(whole) == len(sources) * (targets + 1)
    if expectation == "platform":
        sizes = [len(names(part)) for part in parts]
        assert max(sizes) - min(sizes) <= 1
    # Each sdist is published once, by the first part.
    published = [[tasks.project.name for tasks in part if tasks.project.wants_sdist] for part in parts]
    assert published == [list(sources), *[[]] * (count - 1)]


@pytest.mark.parametrize(("expectation", "together"), [("pure", 5), ("unknown", 5), ("abi3", 3), ("platform", 1)])
def test_what_one_wheel_may_serve_is_in_one_part_so_that_no_two_parts_build_it(
    tmp_path: Path, expectation: Expectation, together: int
) -> None:
    offers = [make_target(name) for name in ("cp310", "cp311", "cp312", "cp313t", "pp311")]
    asked = wanted(tmp_path, "one", strategies=(Offering(tmp_path, *offers),))
    asked = changed(asked, sources=tuple(changed(one, expectation=expectation) for one in asked.sources))
    parts = [planned(changed(asked, shard=Shard(index, 9)), make_context()) for index in range(1, 10)]
    assert max(len(names(part)) for part in parts) == together


def test_every_part_makes_the_sdist_that_its_wheels_come_from(tmp_path: Path) -> None:
    asked = wanted(tmp_path, "one", shard=Shard(2, 2))
    (tasks,) = planned(asked, make_context())
    assert tasks.sdist is not None
    assert tasks.sdist.project is tasks.project
    assert all(task.project is tasks.project for task in tasks.wheels)
    assert not tasks.project.wants_sdist


def test_a_part_that_only_publishes_sdists_has_them(tmp_path: Path) -> None:
    asked = wanted(tmp_path, "one", "two", kinds=frozenset({"sdist"}))
    assert len(planned(changed(asked, shard=Shard(1, 2)), make_context())) == 2
    assert planned(changed(asked, shard=Shard(2, 2)), make_context()) == []


def test_a_part_is_read_as_the_user_writes_it() -> None:
    assert Shard.parse("1/1") == Shard(1, 1)
    assert Shard.parse("2/12") == Shard(2, 12)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "/", "a/b", "1/2/3", "-1/2", "1.0/2", " 1/2"])
def test_what_is_no_part_is_an_error_that_shows_one(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        Shard.parse(text)
    assert repr(text) in caught.value.message
    assert "--shard 1/4" in caught.value.hint


def test_a_plan_tells_what_is_built_excluded_and_missing(tmp_path: Path) -> None:
    plan = planned(wanted(tmp_path, "one"), make_context())
    source = os.fspath(tmp_path / "one")
    facts = json.loads(json.dumps(plan_facts(plan, {source: ">=3.9"})))
    assert facts["version"] == 1
    assert facts["sdists"] == [source]
    assert [one["identifier"] for one in facts["targets"]] == [f"cp310-{LINUX}", f"cp311-{LINUX}"]
    assert facts["targets"][0] == {
        "source": source,
        "identifier": f"cp310-{LINUX}",
        "interpreter": "cp310",
        "python": make_target("cp310").python,
        "where": LINUX,
        "excluded": "",
    }
    assert [(one["identifier"], one["excluded"]) for one in facts["excluded"]] == [
        (f"cp38-{LINUX}", "requires Python >=3.9")
    ]
    assert facts["missing"] == [{"source": source, "identifier": f"3.9-{LINUX}", "reason": "Python 3.9 was not found"}]


def test_a_plan_without_a_published_sdist_has_none() -> None:
    assert plan_facts([], {}) == {"version": 1, "sdists": [], "targets": [], "excluded": [], "missing": []}


def test_tasks_have_the_names_that_people_use(tmp_path: Path) -> None:
    tasks = make_tasks(tmp_path, "cp313t")
    assert tasks.sdist is not None
    assert [tasks.sdist.identifier, tasks.wheels[0].identifier] == ["sdist", f"cp313t-{LINUX}"]


def test_every_project_has_the_time_of_the_run(tmp_path: Path) -> None:
    plan = planned(wanted(tmp_path, "one", "two", timeout=600.0), make_context())
    assert [tasks.project.timeout for tasks in plan] == [600.0, 600.0]
    assert planned(wanted(tmp_path, "one"), make_context())[0].project.timeout is None

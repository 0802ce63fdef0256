"""What is wanted → the tasks of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from headless_wheel_builder.core.request import SDIST_SUFFIX, default_output_dir, is_file_with
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import Kind
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.capacity import Capacity
from headless_wheel_builder.isolation.discovery import find_targets
from headless_wheel_builder.isolation.target import Missing, Target, is_allowed
from headless_wheel_builder.jobs.task import Expectation, Project, ProjectTasks, SdistTask, WheelTask
from headless_wheel_builder.values import changed, field, named_value, value

Adjust: TypeAlias = Callable[[WheelTask], WheelTask | None]

VERSION: Final = 1


@runtime_checkable
class TargetStrategy(Provisioner, Protocol):
    """A strategy that knows which targets it can build for."""

    @property
    def architecture(self) -> str:
        """The architecture that it builds for, as wheels name it."""
        ...

    def targets(self, wanted: Sequence[str], context: Context) -> Sequence[Target | Missing]:
        """Return the targets that are meant, each once."""
        ...

    def capacity(self, context: Context) -> Capacity:
        """Return what the machine that it builds on can do at once."""
        ...


@value
class Shard:
    """A part of a run: the `index`-th of `count`, counted from 1."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `I/N`.

        :raises RequestError: it is none
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise RequestError(
                f"{text!r} is no part of a run",
                hint="Write I/N, the I-th of N parts, with I from 1 to N: --shard 1/4 for example.",
            )
        return cls(int(index), int(count))


@named_value
class Source:
    """A source tree or an sdist, and what is known of it before anything is built.

    :param path: as the user wrote it
    :param requires_python: empty if nothing is known
    """

    path: str
    requires_python: str = ""
    expectation: Expectation = "unknown"


def _as_it_is(task: WheelTask) -> WheelTask | None:
    return task


@named_value
class Wanted:
    """What a run is asked for.

    :param kinds: what is to be published; empty for all
    :param pythons: as `--python` takes them, or `all`; empty for the running one
    :param timeout: seconds that the build for one target may take; None for as long as it wants
    :param adjust: returns a task as it is to be done; None if it is not
    """

    sources: tuple[Source, ...]
    strategies: tuple[Provisioner, ...]
    output_dir: str | None = None
    kinds: frozenset[Kind] = frozenset()
    pythons: tuple[str, ...] = ()
    config_settings: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    shard: Shard = Shard(1, 1)
    adjust: Adjust = _as_it_is


Offers: TypeAlias = Sequence[tuple[Target | Missing, Provisioner]]
Find: TypeAlias = Callable[[Provisioner, Sequence[str], Context], Sequence[Target | Missing]]


def planned(
    wanted: Wanted, context: Context, at: Callable[[Provisioner], Context] | None = None, find: Find | None = None
) -> list[ProjectTasks]:
    """Return the tasks for each source.

    :param at: the context where a strategy makes its environments, if that is not this one
    :param find: finds the targets that are meant, if those are not the ones of this machine
    :raises HeadlessWheelBuilderError: a target cannot be read, or the place that it names cannot be looked at
    """
    offers = [
        (target, strategy)
        for strategy in wanted.strategies
        for target in (find or targets_of)(strategy, wanted.pythons, context if at is None else at(strategy))
    ]
    whole = [_of_project(source, name, offers, wanted) for source, name in _named(wanted.sources)]
    return list(_part(whole, wanted.shard))


def targets_of(strategy: Provisioner, pythons: Sequence[str], context: Context) -> Sequence[Target | Missing]:
    """Return the targets that are meant, of those that a strategy knows or of this machine.

    :raises HeadlessWheelBuilderError: one cannot be read, or the place that it names cannot be looked at
    """
    if isinstance(strategy, TargetStrategy):
        return strategy.targets(pythons, context)
    return find_targets(pythons, context)


def _of_project(source: Source, name: str, offers: Offers, wanted: Wanted) -> ProjectTasks:
    from_sdist = is_file_with(source.path, SDIST_SUFFIX)
    project = Project(
        source=source.path,
        output_dir=default_output_dir(source.path) if wanted.output_dir is None else wanted.output_dir,
        name=name,
        from_sdist=from_sdist,
        wants_sdist=not from_sdist and wanted.kinds != {"wheel"},
        config_settings=wanted.config_settings,
        timeout=wanted.timeout,
        expectation=source.expectation,
    )
    tasks = (
        WheelTask(project=project, target=target, strategy=strategy, config_settings=wanted.config_settings)
        for target, strategy in offers
        if isinstance(target, Target)
    )
    wheels = tuple(own for task in tasks if (own := wanted.adjust(task)) is not None)
    only_sdist = wanted.kinds == {"sdist"}
    return ProjectTasks(
        project=project,
        sdist=None if from_sdist else _sdist(project, wheels, source.requires_python, wanted.strategies[0]),
        wheels=() if only_sdist else wheels,
        missing=() if only_sdist else tuple(target for target, _ in offers if isinstance(target, Missing)),
    )


def _sdist(project: Project, wheels: Sequence[WheelTask], requires_python: str, strategy: Provisioner) -> SdistTask:
    """Return the task of the sdist: for the first target that the project is for, as far as that is known."""
    fitting = [task for task in wheels if is_for(task.target, requires_python)]
    for task in (*fitting, *wheels):
        return SdistTask(project=project, python=task.target.python, strategy=task.strategy)
    return SdistTask(project=project, python=None, strategy=strategy)


def is_for(target: Target, requires_python: str) -> bool:
    """Tell whether a project is for a target, as far as what it requires can be read."""
    try:
        return not requires_python or is_allowed(target, requires_python)
    except ValueError:
        return True  # what is wrong with it is for the backend and the index to say


def _named(sources: Sequence[Source]) -> Iterator[tuple[Source, str]]:
    """Yield sources with what people call them: by their folders, or by their paths where these have one name."""
    names = [os.path.basename(os.path.abspath(source.path)) for source in sources]
    for source, name in zip(sources, names, strict=True):
        yield source, name if name and names.count(name) == 1 else source.path


def _part(whole: Sequence[ProjectTasks], shard: Shard) -> Iterator[ProjectTasks]:
    """Yield what is in a part of a run: every target is in one, and all sdists are published by the first."""
    if shard.count == 1:
        yield from whole
        return
    numbers: dict[tuple[str, ...], int] = {}
    for tasks in whole:
        mine: dict[type, list[Any]] = {WheelTask: [], Missing: []}
        everything: tuple[WheelTask | Missing, ...] = (*tasks.wheels, *tasks.missing)
        for one in everything:
            number = numbers.setdefault((tasks.project.source, *_unit(one)), len(numbers))
            if number % shard.count == shard.index - 1:
                mine[type(one)].append(one)
        yield from _kept(tasks, tuple(mine[WheelTask]), tuple(mine[Missing]), is_first=shard.index == 1)


def _unit(one: WheelTask | Missing) -> tuple[str, ...]:
    """Return what those have in common that one wheel may serve: they have to be in the same part of a run."""
    if isinstance(one, Missing):
        return "missing", one.identifier
    if one.project.expectation in {"pure", "unknown"}:
        return ()
    target = one.target
    is_able = target.implementation == "cpython" and not target.free_threaded
    return (target.where,) if one.project.expectation == "abi3" and is_able else (target.where, target.identifier)


def _kept(
    tasks: ProjectTasks, wheels: tuple[WheelTask, ...], missing: tuple[Missing, ...], *, is_first: bool
) -> Iterator[ProjectTasks]:
    project = tasks.project if is_first else changed(tasks.project, wants_sdist=False)
    if not (wheels or missing or project.wants_sdist):
        return
    sdist = None if tasks.sdist is None else changed(tasks.sdist, project=project)
    own = tuple(changed(task, project=project) for task in wheels)
    yield ProjectTasks(project=project, sdist=sdist, wheels=own, missing=missing)


def plan_facts(plan: Sequence[ProjectTasks], requires: Mapping[str, str]) -> dict[str, Any]:
    """Return a plan as JSON-able values.

    :param requires: what sources require of Python, as far as it is known
    """
    targets = [_facts(tasks, task, requires.get(tasks.project.source, "")) for tasks in plan for task in tasks.wheels]
    return {
        "version": VERSION,
        "sdists": [tasks.project.source for tasks in plan if tasks.project.wants_sdist],
        "targets": [facts for facts in targets if not facts["excluded"]],
        "excluded": [facts for facts in targets if facts["excluded"]],
        "missing": [
            {"source": tasks.project.source, "identifier": one.identifier, "reason": one.error.message}
            for tasks in plan
            for one in tasks.missing
        ],
    }


def _facts(tasks: ProjectTasks, task: WheelTask, requires_python: str) -> dict[str, Any]:
    target = task.target
    return {
        "source": tasks.project.source,
        "identifier": target.identifier,
        "interpreter": target.interpreter,
        "python": target.python,
        "where": target.where,
        "excluded": "" if is_for(target, requires_python) else f"requires Python {requires_python}",
    }

"""What has to be reached, and whether it is."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator
from typing import TypeAlias

from integration.benchmark import jobs
from integration.benchmark.contenders import CIBUILDWHEEL, CONTAINER_TARGETS, CONTENDERS, TARGETS
from integration.benchmark.projects import COMPILED, TINY
from integration.benchmark.ratios import quotient
from integration.benchmark.results import Results

# Ours, theirs, and what ours may take of what theirs takes, with the small projects.
RATIOS = (
    ("later", "uv", 0.45),
    ("first", "uv", 1.1),
    ("later", "build", 0.12),
    ("first", "build", 0.35),
    ("later", "build-uv", 0.25),
    ("first", "build-uv", 0.7),
)
GEOMETRIC_MEAN = 0.40
OVERHEAD = 0.100
IMPORTS = 0.045
# The same in containers: beside the fastest of what cibuildwheel can build with.
CONTAINER_RATIOS = (("later", 0.45), ("first", 0.8))
CONTAINER_OVERHEAD = 1.2
MEMORY = 80e6
# Many targets at once, on two cores.
AT_ONCE = 0.6
CONTAINER_AT_ONCE = 0.5
# What a job may take more than a build here.
JOB_OVERHEAD = 0.050


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A target beside what was measured; seconds, bytes, or a ratio of medians."""

    target: str
    project: str
    measured: float
    limit: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.measured <= self.limit


Parts: TypeAlias = tuple[Callable[[Results], Iterator[Outcome]], ...]


def outcomes(results: Results) -> list[Outcome]:
    """Return those of all targets whose contenders were measured."""
    here: Parts = (ratios, mean, never_slower, overhead, imports, at_once)
    parts = here if not results.engine else (container_ratios, container_overhead, memory, container_at_once)
    parts = (job_overhead,) if results.jobs else parts
    return [outcome for part in parts for outcome in part(results)]


def named(ours: str, theirs: str, also: str = "") -> str:
    """Name a ratio."""
    return f"{CONTENDERS[ours].title}{also} ÷ {CONTENDERS[theirs].title}"


def ratio(results: Results, kind: str, project: str, ours: str, theirs: str) -> Iterator[float]:
    """Return a ratio of medians, if both were measured."""
    mine, others = (results.seconds(kind, project, name) for name in (ours, theirs))
    if mine and others:
        yield quotient(mine, others)


def ratios(results: Results) -> Iterator[Outcome]:
    """Compare with the peers."""
    for ours, theirs, limit in RATIOS:
        for project in TINY:
            for value in ratio(results, "default", project, ours, theirs):
                yield Outcome(named(ours, theirs), project, value, limit)


def mean(results: Results) -> Iterator[Outcome]:
    """Compare with `uv build` over all small projects."""
    values = [value for project in TINY for value in ratio(results, "default", project, "later", "uv")]
    if len(values) == len(TINY):
        target = f"{named('later', 'uv')}, geometric mean"
        yield Outcome(target, "all three", statistics.geometric_mean(values), GEOMETRIC_MEAN)


def never_slower(results: Results) -> Iterator[Outcome]:
    """Compare each kind alone with `uv build`, and whatever compiles."""
    alone = [
        (kind, flag, project) for kind, flag in (("wheel", " -w"), ("sdist", " -s")) for project in results.projects
    ]
    for kind, flag, project in (("default", "", COMPILED), *alone):
        for value in ratio(results, kind, project, "later", "uv"):
            yield Outcome(named("later", "uv", flag), project, value, 1.0)


def overhead(results: Results) -> Iterator[Outcome]:
    """Compare with the work of the hooks."""
    for project in results.projects:
        ours, hooks = (results.seconds("default", project, name) for name in ("later", "hooks"))
        if ours and hooks:
            value = statistics.median(ours) - statistics.median(hooks)
            yield Outcome("hwb, later runs minus hooks only", project, value, OVERHEAD, "ms")


def imports(results: Results) -> Iterator[Outcome]:
    """Compare with an interpreter that imports nothing."""
    if results.imports is not None:
        everything, others, bare = map(
            statistics.median, (results.imports.importing, results.imports.others, results.imports.bare)
        )
        yield Outcome("hwb's own modules, after those of others", "flit", everything - others, IMPORTS, "ms")
        yield Outcome("all imports of hwb minus a bare interpreter", "flit", everything - bare, IMPORTS, "ms")


def container_ratios(results: Results) -> Iterator[Outcome]:
    """Compare with cibuildwheel, in the way in which it is fastest."""
    for project in results.projects:
        times = {peer.name: results.seconds("container", project, peer.name) for peer in CIBUILDWHEEL}
        medians = {name: statistics.median(taken) for name, taken in times.items() if taken}
        for ours, limit in CONTAINER_RATIOS if medians else ():
            fastest = min(medians, key=medians.__getitem__)
            for value in ratio(results, "container", project, ours, fastest):
                yield Outcome(named(ours, fastest), project, value, limit)


def container_overhead(results: Results) -> Iterator[Outcome]:
    """Compare with the work of the hooks and of auditwheel."""
    for project in results.projects:
        ours, work = (results.seconds("container", project, name) for name in ("later", "hooks-repair"))
        if ours and work:
            value = statistics.median(ours) - statistics.median(work)
            yield Outcome("hwb, later runs minus hooks and auditwheel only", project, value, CONTAINER_OVERHEAD, "ms")


def job_overhead(results: Results) -> Iterator[Outcome]:
    """Compare jobs of one worker with the same builds here, one after another."""
    more = statistics.median(results.jobs[jobs.ONE]) - statistics.median(results.jobs[jobs.HERE])
    yield Outcome("overhead of a job", f"{jobs.BUILDS} small builds", more / jobs.BUILDS, JOB_OVERHEAD, "ms")


def at_once(results: Results) -> Iterator[Outcome]:
    """Compare with the same builds one after another."""
    for project in results.projects:
        for value in ratio(results, TARGETS, project, "later", "one-by-one"):
            yield Outcome(f"{named('later', 'one-by-one')}, all interpreters", project, value, AT_ONCE)


def container_at_once(results: Results) -> Iterator[Outcome]:
    """Compare with cibuildwheel, in the way in which it is fastest, for the same image and interpreters."""
    for project in results.projects:
        times = {peer.name: results.seconds(CONTAINER_TARGETS, project, peer.name) for peer in CIBUILDWHEEL}
        medians = {name: statistics.median(taken) for name, taken in times.items() if taken}
        for fastest in sorted(medians, key=medians.__getitem__)[:1]:
            for value in ratio(results, CONTAINER_TARGETS, project, "later", fastest):
                yield Outcome(f"{named('later', fastest)}, all interpreters", project, value, CONTAINER_AT_ONCE)


def memory(results: Results) -> Iterator[Outcome]:
    """Look at the biggest process while much is copied."""
    if results.copying:
        yield Outcome("memory of the frontend", "big", max(one.peak for one in results.copying), MEMORY, "MB")

"""The tables that say what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from integration.benchmark import jobs
from integration.benchmark.contenders import CONTENDERS, OURS, Kind
from integration.benchmark.ratios import ratio, spread
from integration.benchmark.results import Results
from integration.benchmark.running import Timing
from integration.benchmark.tables import Table
from integration.benchmark.targets import Outcome, outcomes

TITLES: Mapping[Kind, str] = {
    "default": "An sdist, and the wheel from it",
    "wheel": "A wheel alone: `-w`",
    "sdist": "An sdist alone: `-s`",
    "targets": "A wheel for each interpreter: `--python all`",
    "container": "A wheel for other people's Linux: `-w --isolation docker`",
    "container-targets": "A wheel for each interpreter of an image: `--isolation docker --python all`",
}
COLUMNS = ("project", "contender", "median ms", "p25-p75 ms", "first ÷ it", "later ÷ it", "biggest process MB")
RATIOS = ("first", "later")
REST = "the rest"  # as durations.py calls it
ALL = "the sum"


def markdown(results: Results) -> str:
    """Return all of the tables."""
    tables = [kind_table(results, kind) for kind in results.kinds]
    tables += [copying_table(results.copying)] if results.copying else []
    tables += [jobs_table(results)] if results.jobs else []
    tables.append(target_table(results))
    tables += [phase_table(results.phases)] if results.phases else []
    head = f"{', '.join(filter(None, (results.machine, results.engine)))}. Rounds: {results.rounds}.\n"
    return "\n".join([head, *(table.markdown() for table in tables)])


def kind_table(results: Results, kind: Kind) -> Table:
    """Return how long each contender took, and ours beside each of the others."""
    rows = [
        row(results, kind, project, contender)
        for project in results.projects
        for contender in results.contenders(kind, project)
    ]
    return Table(TITLES[kind], COLUMNS, rows)


def row(results: Results, kind: Kind, project: str, name: str) -> tuple[str, ...]:
    """Return what is known of one contender."""
    taken = spread(results.seconds(kind, project, name))
    peak = statistics.median(sample.peak for sample in results.of(kind, project, name))
    ratios = [against(results, kind, project, ours, name) for ours in RATIOS]
    times = f"{milliseconds(taken.low)}-{milliseconds(taken.high)}"
    return (project, CONTENDERS[name].title, milliseconds(taken.median), times, *ratios, f"{peak / 1e6:.0f}")


def against(results: Results, kind: Kind, project: str, ours: str, theirs: str) -> str:
    """Return the ratio of ours and a peer with its interval; nothing for two of ours."""
    mine, others = (results.seconds(kind, project, name) for name in (ours, theirs))
    if not mine or any(theirs == contender.name for contender in OURS):
        return ""
    found = ratio(mine, others)
    return f"{found.value:.2f} ({found.low:.2f}-{found.high:.2f})"


def target_table(results: Results) -> Table:
    """Return what has to be reached beside what was measured."""
    rows = [
        (one.target, one.project, shown(one.measured, one), shown(one.limit, one), "PASS" if one.reached else "MISS")
        for one in outcomes(results)
    ]
    title = {"containers": "Targets in containers", "jobs": "Targets of jobs"}.get(results.section, "Targets")
    return Table(title, ("target", "project", "measured", "at most", ""), rows)


def shown(value: float, outcome: Outcome) -> str:
    """Return a value in the unit of its target."""
    return {"ms": f"{milliseconds(value)} ms", "MB": f"{value / 1e6:.0f} MB"}.get(outcome.unit, f"{value:.2f}")


def jobs_table(results: Results) -> Table:
    """Return how long many small builds took, and what each of them took."""
    rows = []
    for name, title in jobs.TITLES.items():
        taken, each = spread(results.jobs[name]), statistics.median(results.jobs[name]) / jobs.BUILDS
        times = f"{milliseconds(taken.low)}-{milliseconds(taken.high)}"
        found = ratio(results.jobs[name], results.jobs[jobs.ONE])
        beside = f"{found.value:.2f} ({found.low:.2f}-{found.high:.2f})"
        rows.append((title, milliseconds(taken.median), times, milliseconds(each), beside))
    columns = ("builder", "median ms", "p25-p75 ms", "each ms", "it ÷ 1 worker")
    return Table(f"{jobs.BUILDS} small builds", columns, rows, texts=1)


def copying_table(timings: Sequence[Timing]) -> Table:
    """Return what it took to build a big tree into a big wheel in a container."""
    taken = milliseconds(statistics.median(timing.seconds for timing in timings))
    peak = max(timing.peak for timing in timings)
    row = ("big", CONTENDERS["later"].title, taken, f"{peak / 1e6:.0f}")
    return Table("10,000 files with 300 MB in, 200 MB out", (*COLUMNS[:3], COLUMNS[-1]), [row])


def phase_table(phases: Mapping[str, Mapping[str, float]]) -> Table:
    """Return our own time by phase."""
    names = tuple(dict.fromkeys(name for durations in phases.values() for name in durations if name != REST))
    rows = [
        (
            project,
            *(milliseconds(durations.get(name, 0.0)) for name in (*names, REST)),
            milliseconds(sum(durations.values())),
        )
        for project, durations in phases.items()
    ]
    return Table("Our own time by phase", ("project", *(f"{name} ms" for name in (*names, REST, ALL))), rows, texts=1)


def milliseconds(seconds: float) -> str:
    """Return seconds as whole milliseconds."""
    return f"{seconds * 1000:.0f}"

"""The command: measure, print, write."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from integration.benchmark import document, figures, imports, phases, plot, projects, toolbox
from integration.benchmark.arguments import Options, parse
from integration.benchmark.contenders import CONTENDERS
from integration.benchmark.machine import line
from integration.benchmark.measurement import Bench, Sample
from integration.benchmark.projects import Project
from integration.benchmark.results import Results
from integration.benchmark.running import BenchmarkError
from integration.benchmark.workspace import temporary

SHOWN = ("headless-wheel-builder", "build", "uv", "pip", "flit-core", "hatchling", "setuptools")


def main(argv: Sequence[str] | None = None) -> int:
    """Run it and return the exit code."""
    options = parse(argv)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        results = measured(options)
        write(results, options)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def interrupted(number: int, frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that everything is cleaned up."""
    raise KeyboardInterrupt(number, frame)


def measured(options: Options) -> Results:
    """Measure everything that was asked for."""
    with temporary() as workspace:
        say("making projects and environments")
        made = projects.made(options.projects, workspace)
        requirements = [requirement for project in made for requirement in project.requires]
        tools = toolbox.here(workspace) if options.here else toolbox.new(requirements, workspace)
        return results_of(Bench(workspace, tools, options.seed), made, options)


def results_of(bench: Bench, made: Sequence[Project], options: Options) -> Results:
    """Measure the builds, then the rest."""
    versions = bench.toolbox.versions
    return Results(
        machine=line(versions, SHOWN),
        versions=versions,
        seed=options.seed,
        rounds=options.rounds,
        samples=tuple(sample for samples in rounds(bench, made, options) for sample in samples),
        imports=imported(bench, made, options),
        phases={project.name: phases.measure(bench, project) for project in made},
    )


def rounds(bench: Bench, made: Sequence[Project], options: Options) -> Iterator[list[Sample]]:
    """Measure each kind and each project on its own."""
    for kind in options.kinds:
        for project in made:
            contenders = [CONTENDERS[name] for name in options.contenders if kind in CONTENDERS[name].flags]
            for number, samples in enumerate(bench.measure(project, kind, contenders, options.rounds), 1):
                say(f"{kind} {project.name}: round {number} of {options.rounds}")
                yield samples


def imported(bench: Bench, made: Sequence[Project], options: Options) -> imports.Imports | None:
    """Measure the imports of the first of the small projects, if it is there."""
    for project in made:
        if project.name == "flit":
            say("imports")
            return imports.measure(bench, project, 2 * options.rounds + 1)
    return None


def write(results: Results, options: Options) -> None:
    """Print the tables, and write what was asked for."""
    tables = figures.markdown(results)
    print(tables)
    for path, content in ((options.markdown, lambda: tables), (options.json, results.json)):
        if path is not None:
            path.write_text(content(), encoding="utf-8")
    if options.plot is not None:
        options.plot.write_text(plot.svg(results), encoding="utf-8")
    if options.update_docs:
        document.update(tables, plot.svg(results))


def say(words: str) -> None:
    """Say how far the measuring is."""
    with contextlib.suppress(BrokenPipeError):
        print(words, file=sys.stderr, flush=True)

"""The command: measure, print, write."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from integration.benchmark import (
    cibuildwheel,
    copying,
    document,
    figures,
    imports,
    jobs,
    phases,
    plot,
    projects,
    toolbox,
)
from integration.benchmark.arguments import Options, parse
from integration.benchmark.contenders import CONTAINER, CONTENDERS, HERE, IN_CONTAINERS, JOBS, TARGETS
from integration.benchmark.engine import Engine
from integration.benchmark.machine import line
from integration.benchmark.measurement import Bench, Sample
from integration.benchmark.projects import COMPILED, Project
from integration.benchmark.results import Results
from integration.benchmark.running import BenchmarkError, Timing, held
from integration.benchmark.workspace import temporary

SHOWN = ("headless-wheel-builder", "build", "uv", "pip", "cibuildwheel", "flit-core", "hatchling", "setuptools")

# A big tree is slow, and its memory is the same each time.
COPYINGS = 1


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
        requirements += ["cibuildwheel"] if options.engine else []
        requirements += [jobs.REQUIREMENT] if JOBS in options.kinds else []
        tools = toolbox.here(workspace) if options.here else toolbox.new(requirements, workspace)
        with prepared(options.engine) as engine:
            return results_of(Bench(workspace, tools, options.seed, engine), made, options)


@contextlib.contextmanager
def prepared(engine: Engine | None) -> Iterator[Engine | None]:
    """Have an engine with an image that all can build in; in the end nothing of the benchmark is left there."""
    if engine is None:
        yield None
        return
    try:
        yield cibuildwheel.completed(engine, os.environ)
    finally:
        with held():
            engine.close()


def results_of(bench: Bench, made: Sequence[Project], options: Options) -> Results:
    """Measure the builds, then the rest."""
    versions = bench.toolbox.versions
    is_here = any(kind in HERE for kind in options.kinds)
    return Results(
        machine=line(versions, SHOWN),
        versions=versions,
        seed=options.seed,
        rounds=options.rounds,
        samples=tuple(sample for samples in rounds(bench, made, options) for sample in samples),
        imports=imported(bench, made, options) if is_here else None,
        phases={project.name: phases.measure(bench, project) for project in made} if is_here else {},
        engine=options.engine.described() if options.engine else "",
        copying=tuple(copied(bench, options)),
        jobs=many(bench, options),
    )


def rounds(bench: Bench, made: Sequence[Project], options: Options) -> Iterator[list[Sample]]:
    """Measure each kind and each project on its own."""
    for kind in options.kinds:
        for project in made:
            if kind == JOBS or (kind in {TARGETS, *IN_CONTAINERS} and project.name != COMPILED):
                continue
            contenders = [CONTENDERS[name] for name in options.contenders if kind in CONTENDERS[name].flags]
            for number, samples in enumerate(bench.measure(project, kind, contenders, options.rounds), 1):
                say(f"{kind} {project.name}: round {number} of {options.rounds}")
                yield samples


def many(bench: Bench, options: Options) -> dict[str, list[float]]:
    """Measure many small builds, if that is asked for."""
    if JOBS not in options.kinds:
        return {}
    say("many small builds")
    return jobs.measure(bench, options.rounds, options.seed)


def copied(bench: Bench, options: Options) -> list[Timing]:
    """Measure what a big tree and a big wheel take, if there are containers."""
    if CONTAINER not in options.kinds:
        return []
    say("a big tree")
    return copying.measure(bench, min(options.rounds, COPYINGS))


def imported(bench: Bench, made: Sequence[Project], options: Options) -> imports.Imports | None:
    """Measure the imports of the first of the small projects, if it is there."""
    for project in made:
        if project.name == "flit":
            say("imports")
            return imports.measure(bench, project, 2 * options.rounds + 1)
    return None


def write(results: Results, options: Options) -> None:
    """Print the tables, and write what was asked for."""
    tables = "\n".join(map(figures.markdown, results.parts))
    print(tables)
    for path, content in ((options.markdown, lambda: tables), (options.json, results.json)):
        if path is not None:
            path.write_text(content(), encoding="utf-8")
    if options.plot is not None:
        options.plot.write_text(plot.svg(results), encoding="utf-8")
    if options.update_docs:
        document.update(results)


def say(words: str) -> None:
    """Say how far the measuring is."""
    with contextlib.suppress(BrokenPipeError):
        print(words, file=sys.stderr, flush=True)

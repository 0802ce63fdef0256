"""The options of the benchmark."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from integration.benchmark.contenders import CONTAINER, CONTENDERS, HERE, JOBS, KINDS, Kind
from integration.benchmark.engine import Engine
from integration.benchmark.projects import COMPILED, NAMES, TINY

ROUNDS, QUICK_ROUNDS = 9, 3
# What kinds are measured with that have projects of their own.
OF_KIND: Mapping[tuple[Kind, ...], Sequence[str]] = {(CONTAINER,): (COMPILED,), (JOBS,): ()}
ADDRESS, IMAGE = "HWB_TEST_ENGINE", "hwb-test/manylinux_2_36_x86_64"


@dataclasses.dataclass(frozen=True)
class Options:
    """What to measure, and where to write it.

    :param engine: None if containers are left out
    """

    rounds: int
    projects: Sequence[str]
    kinds: Sequence[Kind]
    contenders: Sequence[str]
    seed: int
    here: bool
    engine: Engine | None
    json: Path | None
    plot: Path | None
    markdown: Path | None
    update_docs: bool


def parse(argv: Sequence[str] | None) -> Options:
    """Read the command line; `--quick` gives other defaults."""
    given = vars((options := parser()).parse_args(argv))
    quick, address, image = (given.pop(name) for name in ("quick", "engine", "image"))
    if CONTAINER in (given["kinds"] or ()) and not address:
        options.error(f"containers need an engine: --engine, or {ADDRESS}")
    defaults = {
        "rounds": QUICK_ROUNDS if quick else ROUNDS,
        "projects": OF_KIND.get(tuple(given["kinds"] or ()), TINY if quick else NAMES),
        "kinds": HERE[:1] if quick else KINDS if address else HERE,
        "contenders": tuple(CONTENDERS),
    }
    asked = {name: given[name] or default for name, default in defaults.items()}
    engine = Engine(address, image) if CONTAINER in asked["kinds"] else None
    return Options(**{**given, **asked, "engine": engine})


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = argparse.ArgumentParser(
        prog="python integration/benchmark",
        description="measure hwb beside uv build, python -m build, pip wheel and cibuildwheel",
    )
    made.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds, small projects, the default kind")
    made.add_argument("--rounds", type=positive, metavar="N", help=f"how many rounds count (default: {ROUNDS})")
    for option, names in (("--projects", NAMES), ("--kinds", (*KINDS, JOBS)), ("--contenders", tuple(CONTENDERS))):
        made.add_argument(option, nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    made.add_argument("--seed", type=int, default=0, help="what the order of each round comes from (default: 0)")
    made.add_argument("--here", action="store_true", help="measure what is installed beside this interpreter")
    made.add_argument(
        "--engine", default=os.environ.get(ADDRESS), metavar="ADDRESS", help=f"for containers (default: {ADDRESS})"
    )
    made.add_argument("--image", default=IMAGE, metavar="NAME", help=f"what containers are of (default: {IMAGE})")
    for option, what in (("--json", "all samples"), ("--plot", "a drawing, as SVG"), ("--markdown", "the tables")):
        made.add_argument(option, type=Path, metavar="PATH", help=f"write {what}")
    made.add_argument("--update-docs", action="store_true", help="write tables and drawing into docs/")
    return made


def positive(text: str) -> int:
    """Read a number of rounds."""
    if (number := int(text)) < 1:
        raise ValueError
    return number

"""What each part of the soak tells of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from integration.benchmark.tables import Table
from integration.soak.arguments import Options


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one part.

    :param tried: how many cases
    :param survived: after how many of them nothing was wrong
    :param residue: how many things were left that should not be there
    :param peak: memory of the biggest process of ours, in MiB; None if it is not known
    :param longest: the longest that anything took to end when it had to, in seconds
    :param tables: what there is to tell beyond that
    """

    tried: int
    survived: int
    residue: int
    peak: float | None
    longest: float
    tables: tuple[Table, ...] = ()


@dataclasses.dataclass(frozen=True)
class Part:
    """A kind of trials.

    :param name: as the command line has it
    :param run: runs as many cases as the options say, in an empty folder; it says on stderr what goes wrong, at once
    :param needs_engine: whether it is left out without an engine
    """

    name: str
    run: Callable[[Options, Path], Result]
    needs_engine: bool = False

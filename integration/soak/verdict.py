"""What came of one case of a part, and the table of them all by their kind."""

from __future__ import annotations

import dataclasses
import resource
from collections import defaultdict
from collections.abc import Sequence

from integration.benchmark.tables import Table
from integration.soak.part import Result

COLUMNS = ("kind", "cases", "survived", "residue")
LATER = "for a later build"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of one case.

    :param wrong: what is not as it has to be, in words
    :param seconds: how long it took to end when it had to
    :param output: what was printed
    :param later: how many things are left that a later build removes, where that can be
    """

    kind: str
    wrong: tuple[str, ...] = ()
    seconds: float = 0.0
    output: str = ""
    later: int | None = None


def result(title: str, verdicts: Sequence[Verdict]) -> Result:
    """Return what is told of a part."""
    return Result(
        tried=len(verdicts),
        survived=_survived(verdicts),
        residue=_residue(verdicts),
        peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        longest=_longest(verdicts),
        tables=(_table(title, verdicts),),
    )


def complaint(number: int, verdict: Verdict) -> str:
    """Return what is wrong after one case, with what it printed last."""
    lines = [f"case {number}: {verdict.kind}", *(f"  {one}" for one in verdict.wrong)]
    return "\n".join([*lines, *(f"  | {line}" for line in verdict.output.splitlines()[-20:])])


def _table(title: str, verdicts: Sequence[Verdict]) -> Table:
    by_kind: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_kind[verdict.kind].append(verdict)
    has_later = any(one.later is not None for one in verdicts)
    rows = [_row(kind, of_one, has_later=has_later) for kind, of_one in (*by_kind.items(), ("all", verdicts))]
    return Table(title, (*COLUMNS, *([LATER] if has_later else []), "longest hang"), rows, texts=1)


def _row(kind: str, verdicts: Sequence[Verdict], *, has_later: bool) -> tuple[str, ...]:
    return (
        kind,
        str(len(verdicts)),
        str(_survived(verdicts)),
        str(_residue(verdicts)),
        *([str(sum(one.later or 0 for one in verdicts))] if has_later else []),
        f"{_longest(verdicts):.1f} s",
    )


def _survived(verdicts: Sequence[Verdict]) -> int:
    return sum(not one.wrong for one in verdicts)


def _residue(verdicts: Sequence[Verdict]) -> int:
    return sum(len(one.wrong) for one in verdicts)


def _longest(verdicts: Sequence[Verdict]) -> float:
    return max((one.seconds for one in verdicts), default=0.0)

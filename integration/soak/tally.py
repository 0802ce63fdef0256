"""The table of what came of all builds."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence

from integration.benchmark.tables import Table
from integration.soak.flaw import Outcome

COLUMNS = ("ended by", "cases", "complete before", "survived", "residue", "longest hang")
OFTEN = 100


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return it; a case has survived when nothing is wrong after it."""
    by_ending: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_ending[outcome.ending].append(outcome)
    rows = [_row(name, of_one) for name, of_one in by_ending.items()]
    rows.append(_row("all", outcomes))
    return Table("Interruptions", COLUMNS, rows, texts=1)


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return (
        name,
        str(len(outcomes)),
        str(sum(one.is_complete for one in outcomes)),
        str(sum(not one.residue for one in outcomes)),
        str(sum(len(one.residue) for one in outcomes)),
        f"{max((one.seconds for one in outcomes), default=0.0):.1f} s",
    )


def tell(number: int, outcome: Outcome) -> None:
    """Say what is wrong after one case, with what it printed last; and how far it is."""
    if outcome.residue:
        lines = [f"case {number}: {outcome.build}, {outcome.ending}", *(f"  {one}" for one in outcome.residue)]
        lines += [f"  | {line}" for line in outcome.output.splitlines()[-12:]]
        print("\n".join(lines), file=sys.stderr, flush=True)
    if number % OFTEN == 0:
        print(f"{number} cases", file=sys.stderr, flush=True)

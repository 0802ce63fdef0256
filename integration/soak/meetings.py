"""The tables of what came of hostile inputs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from integration.benchmark.tables import Table
from integration.soak.batches import Met

COLUMNS = ("kind", "from", "inputs", "accepted", "refused", "ways to refuse", "crashes", "hangs", "files outside")


def summary(met: Sequence[Met]) -> Table:
    """Return what came of each kind. One is accepted if nothing that is done with it refuses it."""
    by_kind: dict[tuple[str, str], list[Met]] = defaultdict(list)
    for one in met:
        by_kind[one.batch.kind, one.batch.way].append(one)
    rows = [_row(*names, of_one) for names, of_one in sorted(by_kind.items())]
    rows.append(_row("all", "", met))
    return Table("Hostile input", COLUMNS, rows)


def _row(kind: str, way: str, met: Sequence[Met]) -> tuple[str, ...]:
    troubles = Counter(one.trouble for one in met)
    counts = (
        len(met),
        sum(not one.refused and not one.trouble for one in met),
        sum(bool(one.refused) for one in met),
        len({refusal for one in met for refusal in one.refused}),
        troubles["crash"],
        troubles["hang"],
        troubles["outside"],
    )
    return (kind, way, *(f"{count:,}" for count in counts))


def refusals(met: Sequence[Met]) -> Table:
    """Return by which errors they were refused."""
    found = Counter(
        (one.batch.kind, error) for one in met for error in {refusal.partition(" ")[0] for refusal in one.refused}
    )
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in met:
        for refusal in one.refused:
            places[one.batch.kind, refusal.partition(" ")[0]].add(refusal)
    rows = [(*key, f"{count:,}", str(len(places[key]))) for key, count in sorted(found.items())]
    return Table("Refused by", ("kind", "error", "inputs", "raised at places"), rows)

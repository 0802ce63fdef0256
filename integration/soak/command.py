"""The command line of the soak."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Final

from integration.benchmark.tables import Table
from integration.soak.arguments import Options, parse
from integration.soak.engines import ENGINE
from integration.soak.inputs import INPUTS
from integration.soak.interruptions import INTERRUPTIONS
from integration.soak.part import Part, Result
from integration.soak.peers import PEERS
from integration.soak.sdists import SDISTS
from integration.soak.together import BUILDS
from integration.soak.workplace import workshop

PARTS: Final = (INTERRUPTIONS, PEERS, BUILDS, ENGINE, INPUTS, SDISTS)
COLUMNS: Final = ("part", "tried", "survived", "residue", "peak memory", "longest hang")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 1 if anything did not survive."""
    options = parse(argv)
    _hear()
    print(f"seed {options.seed}", file=sys.stderr)
    results = {part.name: _result(part, options) for part in PARTS if _is_wanted(part, options)}
    for result in results.values():
        for table in result.tables:
            print(table.markdown())
    print(Table("Soak", COLUMNS, [_row(name, one) for name, one in results.items()], texts=1).markdown())
    return 1 if any(one.survived < one.tried or one.residue for one in results.values()) else 0


def _hear() -> None:
    """Have what is started hear signals that a shell or nohup has it ignore, for it is ended by them."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def _is_wanted(part: Part, options: Options) -> bool:
    return part.name in options.parts and (options.engine is not None or not part.needs_engine)


def _result(part: Part, options: Options) -> Result:
    with workshop() as folder:
        return part.run(options, folder)


def _row(name: str, result: Result) -> tuple[str, ...]:
    return (
        name,
        str(result.tried),
        str(result.survived),
        str(result.residue),
        "" if result.peak is None else f"{result.peak:.0f} MiB",
        f"{result.longest:.1f} s",
    )

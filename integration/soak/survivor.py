"""Survive hostile inputs of one kind, in a process that may not: `python survivor.py KIND WAY COUNT SEED FOLDER`.

`python survivor.py KIND FILE` survives an input that was kept, once more.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import pickle
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve()
sys.path[:1] = [str(HERE.parents[2]), str(HERE.parents[1]), str(HERE.parents[2] / "tests")]

from integration.soak.ways import WAYS, prepare  # noqa: E402 - found only now

SECONDS: Final = 20.0
LIMITS: Final = {
    resource.RLIMIT_AS: 2 * 2**30,
    resource.RLIMIT_FSIZE: 64 * 2**20,
    resource.RLIMIT_NOFILE: 200,
    resource.RLIMIT_CORE: 0,
}


class Survivor:
    """What survives one input after the other, and says of each what came of it.

    :param folder: where that is said, and inputs are kept
    """

    def __init__(self, survive: Callable[[Any], None], count: int, folder: Path) -> None:
        from integration.soak.writes import Writes

        self._survive = survive
        self._count = count
        self._folder = folder
        self._done = 0
        self._parent = os.getppid()
        self._told = (folder / "told").open("a", buffering=1)
        self._writes = Writes(Path(os.environ["TMPDIR"]))

    def __call__(self, given: Any) -> None:
        """Survive it; the process ends after the last."""
        from hostile.properties import REFUSALS

        if os.getppid() != self._parent:
            os._exit(1)
        self._keep("current", given)
        REFUSALS.clear()
        self._writes.elsewhere.clear()
        began = time.monotonic()
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        trouble, text = self._trouble(given)
        faulthandler.cancel_dump_traceback_later()
        self._done += 1
        told = {"refused": REFUSALS, "seconds": time.monotonic() - began, "trouble": trouble, "text": text}
        if trouble:
            self._keep(f"input-{self._done}", given)
        self._told.write(json.dumps(told) + "\n")
        if self._done == self._count:
            self._end()

    def _trouble(self, given: Any) -> tuple[str, str]:
        from hostile.properties import ElsewhereError

        try:
            self._survive(given)
        except ElsewhereError as error:
            return "outside", str(error)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            return "crash", traceback.format_exc()
        return ("outside", str(self._writes.elsewhere)) if self._writes.elsewhere else ("", "")

    def _keep(self, name: str, given: Any) -> None:
        os.write(fd := os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), pickle.dumps(given))
        os.close(fd)

    def _end(self) -> None:
        # The loop of a fuzzer has no other end that is the same each time.
        self._told.close()
        os._exit(0)


def main() -> None:
    """Do what the arguments say."""
    kind, *rest = sys.argv[1:]
    if len(rest) == 1:
        from hostile.everything import EVERYTHING

        EVERYTHING[kind][1](pickle.loads(Path(rest[0]).read_bytes()))
        return
    way, count, seed, folder = rest
    for limit, most in LIMITS.items():
        resource.setrlimit(limit, (most, most))
    faulthandler.enable()
    prepare(way)
    from hostile.everything import EVERYTHING

    gc.freeze()
    WAYS[way](kind, Survivor(EVERYTHING[kind][1], int(count), Path(folder)), int(seed), Path(folder))


if __name__ == "__main__":
    main()

"""One build that is ended, and what is wrong afterwards."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from integration.soak.builds import Build
from integration.soak.endings import Ending
from integration.soak.flaw import Flaw, Outcome
from integration.soak.frontend import OURS, Frontend
from integration.soak.started import DEADLINE, Started, start
from integration.soak.workplace import Workplace
from watched_engine import WatchedEngine

CANCELLED = str(Path(__file__).with_name("cancelled.py"))
# Ctrl-C while Python itself starts, before it runs anything of a program.
STARTING = (b"Fatal Python error: init_", b"Could not import runpy module")
# Between an end and its effect, on a machine that has other work.
SLACK = 0.5
# The command lines of what the backends of these builds leave.
LASTING = "time.sleep(600)"


class Trial:
    """A workplace that is used by one build after the other."""

    def __init__(
        self, folder: Path, build: Build, cache: Path, engine: WatchedEngine | None = None, frontend: Frontend = OURS
    ) -> None:
        self.build = build
        self.place = Workplace(folder, build, cache, frontend, engine)
        self._frontend = frontend
        # How many artifacts it has when it is complete.
        self._complete = 0

    def undisturbed(self, *argv: str) -> tuple[float, list[Flaw]]:
        """Build once, with other arguments or its own; return the seconds that took and what is wrong."""
        began = time.monotonic()
        started = self._start(self._frontend.argv(argv or self.build.argv))
        hangs = not started.wait(DEADLINE)
        seconds = time.monotonic() - began
        self._complete = max(self._complete, len(self.place.artifacts()))
        flaws = [Flaw("hang", "an undisturbed build")] if hangs else list(self._failure(started))
        flaws += self._left(started)
        self.place.forget_artifacts()
        return seconds, flaws

    def ended(self, ending: Ending, after: float, chance: random.Random) -> Outcome:
        """Begin to build, end it after a while, and look what is left; then build again."""
        program = [sys.executable, CANCELLED, "demo", str(after)]
        argv = program if ending.is_coroutine else self._frontend.argv(self.build.argv)
        started = self._start(argv, at_terminal=ending.at_terminal)
        is_complete = not ending.is_coroutine and started.wait(after)
        ended = time.time()
        ending.act(started, chance)
        began = time.monotonic()
        hangs = not started.wait(DEADLINE)
        seconds = time.monotonic() - began - (after if ending.is_coroutine else 0.0)
        found = [Flaw("hang", "it goes on")] if hangs else list(self._exit_code(started, ending))
        if ending.is_heeded and not ending.is_coroutine:
            found += [Flaw("hang", f"it publishes {name}") for name in self.place.published_after(ended + SLACK)]
        found += self._left(started)
        self.place.forget_artifacts()
        # What could not be noticed is removed by this one.
        found += [Flaw(one.kind, one.what, is_of_next=True) for one in self.undisturbed(*self.build.next_argv)[1]]
        text = started.output.decode(errors="replace")
        is_noticed = ending.is_noticed
        return Outcome(self.build.name, ending.name, is_complete, tuple(found), max(seconds, 0.0), not is_noticed, text)

    def _start(self, argv: list[str], *, at_terminal: bool = False) -> Started:
        place = self.place
        return start(argv, place.root, place.temporary, place.environ, at_terminal=at_terminal)

    def _failure(self, started: Started) -> Iterator[Flaw]:
        if code := started.process.returncode:
            yield Flaw("failure", f"exit code {code}: {started.output.decode(errors='replace')[-500:]}")

    def _exit_code(self, started: Started, ending: Ending) -> Iterator[Flaw]:
        code = started.process.returncode
        shown = 128 - code if code < 0 else code
        is_early = shown == 1 and any(sign in started.output for sign in STARTING)
        if self._frontend.codes and shown not in {0, *ending.codes} and not is_early:
            yield Flaw("exit code", str(shown))
        artifacts = len(self.place.artifacts())
        # A program that cancels has done what it was to do.
        if not shown and not ending.is_coroutine and artifacts < self._complete:
            yield Flaw("exit code", "0, though it is not complete")
        # Of many targets, those that are complete are published.
        if len(self.build.names) == 1 and 0 < artifacts < self._complete:
            yield Flaw("partial", f"{artifacts} of {self._complete} artifacts")

    def _left(self, started: Started) -> Iterator[Flaw]:
        for command in started.survivors():
            yield Flaw("daemon" if LASTING in command else "process", command)
        started.hang_up()
        yield from self.place.flaws()

"""One build in a container that a fault happens to, and what is wrong afterwards."""

from __future__ import annotations

import random
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import projects
from integration.soak.engine_faults import Fault, Scene
from integration.soak.started import Started, start
from integration.soak.verdict import Verdict
from own_engine import IMAGE

PYTHON = "3.11"
FRONTEND = (sys.executable, "-m", "headless_wheel_builder", "demo", "-w", "--isolation", "docker", "--image", IMAGE)
FRONTEND = (*FRONTEND, "--python", PYTHON, "--no-repair", "--installer", "pip")
IMPATIENT = str(Path(__file__).with_name("impatient.py"))
# How long an engine has to answer, for those who are not to wait for long.
PATIENCE = 3.0
# What takes longer hangs; an engine has a minute to answer, and builds share the processors.
DEADLINE = 120.0
# Long enough to be met by what happens at a random moment.
SLOW = "def get_requires_for_build_wheel(settings=None):\n    import time\n    time.sleep(0.3)\n    return []\n"
# An engine ends by itself what it has.
ENGINE_SECONDS = 30.0

# How long a build takes, and how many requests it has, with an environment that is there and a new one.
Known: TypeAlias = dict[bool, tuple[float, int]]


class EngineTrial:
    """A workspace, with a temporary folder of its own.

    :param env: with which the engine is found, and the cache
    :param known: is shared by all
    """

    def __init__(self, folder: Path, scene: Scene, env: Mapping[str, str], known: Known) -> None:
        self._scene = scene
        self._engine = scene.engine
        self._root = folder / "w"
        self._temporary = folder / "tmp"
        self._temporary.mkdir(parents=True)
        self._env = env
        projects.silent(self._root, SLOW)
        self._dist = self._root / "demo" / "dist"
        self._dist.mkdir()
        (self._dist / "old-0.9.tar.gz").write_text("an earlier one")
        self._known = known

    def faulted(self, fault: Fault, chance: random.Random, *, is_fresh: bool) -> Verdict:
        """Begin to build, have a fault, and look what is left; then build again."""
        self.get_to_know(is_fresh=is_fresh)
        seconds, requests = self._known[is_fresh]
        if fault.spoil is not None:
            self._engine.spoil(fault.spoil(chance.randrange(requests), chance))
        started = self._start(fault, is_fresh=is_fresh)
        after = chance.random() * seconds
        if fault.happen is not None and not started.wait(after):
            fault.happen(self._scene)
        wrong, took, output = self._ended(started)
        where = f"{self._engine.hit} after {after:.1f} s of {seconds:.1f} s, {'new' if is_fresh else 'kept'}"
        fault.mend(self._scene)
        self._engine.mend()
        wrong += self._left()
        later = self._engine.forget()
        wrong += [f"the next build: {one}" for one in self._undisturbed(is_fresh=is_fresh)[2]]
        return Verdict(fault.name, tuple(wrong), took, f"{output}\n{where}", later)

    def get_to_know(self, *, is_fresh: bool = False) -> None:
        """See how long a build takes, unless that is known."""
        if is_fresh in self._known:
            return
        # The second time, all is there that there can be.
        for _ in range(2):
            seconds, requests, wrong = self._undisturbed(is_fresh=is_fresh)
            assert not wrong, wrong
        self._known[is_fresh] = seconds, requests

    def _ended(self, started: Started) -> tuple[list[str], float, str]:
        """Wait for the end; return what is wrong with it, the seconds that it took, and what was printed."""
        began = time.monotonic()
        hangs = not started.wait(DEADLINE)
        took = time.monotonic() - began
        output = started.output.decode(errors="replace")
        wrong = ["it hangs"] if hangs else [*self._told(started.process.returncode, output)]
        wrong += [f"process: {one}" for one in started.survivors()]
        started.hang_up()
        return wrong, took, output

    def _undisturbed(self, *, is_fresh: bool) -> tuple[float, int, list[str]]:
        began, asked = time.monotonic(), len(self._engine.asked)
        started = self._start(is_fresh=is_fresh)
        wrong, _, output = self._ended(started)
        seconds = time.monotonic() - began
        wrong += [] if started.process.returncode == 0 else [f"it fails: {output[-800:]}"]
        wrong += self._left()
        self._engine.forget()
        return seconds, len(self._engine.asked) - asked, wrong

    def _start(self, fault: Fault | None = None, *, is_fresh: bool) -> Started:
        flags = ("--fresh-env",) if is_fresh else ()
        argv: tuple[str, ...] = (*FRONTEND, *flags)
        if fault is not None and fault.is_endless:
            argv = (sys.executable, IMPATIENT, str(PATIENCE), IMAGE, PYTHON, "demo", *flags)
        return start(argv, self._root, self._temporary, self._env, at_terminal=False)

    def _told(self, code: int, output: str) -> Iterator[str]:
        """Say what is wrong with how it ended: it is complete, or says what happened, and why."""
        yield from self._artifacts(code)
        if code not in {0, 1}:
            yield f"exit code {code}"
        # A hook shows what it was refused, as any does that fails.
        is_of_hook = "in_process.py" in output
        if ("Traceback" in output and not is_of_hook) or "This is a bug" in output:
            yield "a traceback"
        _, is_there, letter = output.rpartition("ERROR ")
        if code == 1 and not (is_there and len(letter.strip().splitlines()) > 1):
            yield "it does not say why"

    def _artifacts(self, code: int) -> Iterator[str]:
        names = {path.name for path in self._dist.iterdir()}
        wheel = "demo-1.0-py3-none-any.whl"
        if names != {"old-0.9.tar.gz", *([wheel] if code == 0 else [])}:
            yield f"the output folder has {sorted(names)}"
        if wheel in names:
            if not zipfile.is_zipfile(self._dist / wheel):
                yield "a broken wheel"
            (self._dist / wheel).unlink()

    def _left(self) -> list[str]:
        end = time.monotonic() + ENGINE_SECONDS
        while (strays := self._engine.strays()) and time.monotonic() < end:
            time.sleep(0.1)
        return [*strays, *(f"temporary: {path}" for path in self._temporary.rglob("*"))]

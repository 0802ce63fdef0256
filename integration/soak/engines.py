"""Builds in containers while something happens to the engine, at random moments."""

from __future__ import annotations

import contextlib
import errno
import queue
import random
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from certificates import Authority
from integration.soak.arguments import Options
from integration.soak.engine_faults import FAULTS, Fault, Scene
from integration.soak.engine_trial import EngineTrial, Known
from integration.soak.engine_ways import Ways, is_there
from integration.soak.part import Part, Result
from integration.soak.verdict import Verdict, complaint, result
from own_engine import OwnEngine

AT_ONCE = 3
# For the image, and a few environments.
DISK = "800m"
# How many builds make an environment of their own, in a run that has each kind more than once.
FRESH = 0.15


def run(options: Options, folder: Path) -> Result:
    """Have as many faults as asked for."""
    verdicts: list[Verdict] = []
    # What is there until Ctrl-C is told.
    with _own(options, folder) as ways, contextlib.suppress(KeyboardInterrupt):
        faults = [fault for fault in FAULTS if is_there(fault.way)]
        cases = [(number, faults[number % len(faults)]) for number in range(options.cases[ENGINE.name])]
        run = Cases(ways, folder, options.seed, may_be_fresh=len(cases) > len(faults))
        for verdict in _verdicts(run, cases):
            verdicts.append(verdict)
            if verdict.wrong:
                print(complaint(len(verdicts), verdict), file=sys.stderr, flush=True)
    return result("Faults of an engine", verdicts)


class Cases:
    """Runs one case after the other, or some at the same time.

    :param may_be_fresh: whether builds may make environments of their own, which takes longer
    """

    def __init__(self, ways: Ways, folder: Path, seed: int, *, may_be_fresh: bool) -> None:
        self._ways = ways
        self._folder = folder
        self._seed = seed
        self._may_be_fresh = may_be_fresh
        self._known: Known = {}

    def one_by_one(self, way: str, cases: Sequence[tuple[int, Fault]]) -> Iterator[Verdict]:
        """Run those that nobody else may be there with."""
        with self._ways.open(way) as (scene, env):
            trial = self._trial(way, scene, env)
            for number, fault in cases:
                yield self._run(trial, number, fault)

    def together(self, cases: Sequence[tuple[int, Fault]]) -> Iterator[Verdict]:
        """Run some at a time, each in a workspace of its own."""
        free: queue.Queue[EngineTrial] = queue.Queue()
        with contextlib.ExitStack() as stack:
            for number in range(AT_ONCE):
                scene, env = stack.enter_context(self._ways.open("socket"))
                free.put(self._trial(f"together-{number}", scene, env))

            def run(case: tuple[int, Fault]) -> Verdict:
                trial = free.get()
                try:
                    return self._run(trial, *case)
                finally:
                    free.put(trial)

            free.put(first := free.get())
            first.get_to_know()
            with ThreadPoolExecutor(AT_ONCE) as pool:
                yield from pool.map(run, cases)

    def _trial(self, name: str, scene: Scene, env: Mapping[str, str]) -> EngineTrial:
        return EngineTrial(
            self._folder / name, scene, {**env, "HWB_CACHE_DIR": str(self._folder / "cache")}, self._known
        )

    def _run(self, trial: EngineTrial, number: int, fault: Fault) -> Verdict:
        chance = random.Random(f"{self._seed} {number}")
        is_fresh = self._may_be_fresh and chance.random() < FRESH
        return trial.faulted(fault, chance, is_fresh=is_fresh)


@contextlib.contextmanager
def _own(options: Options, folder: Path) -> Iterator[Ways]:
    """Have an engine, with a port behind TLS."""
    assert options.engine is not None
    certificates = Authority(folder / "authority").issue(folder / "certificates")
    address = f"tcp://127.0.0.1:{_port()}"
    files = {"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"}
    arguments = [f"--{option}={certificates / name}" for option, name in files.items()]
    with OwnEngine(options.engine, f"--host={address}", "--tlsverify", *arguments, disk=DISK) as own:
        yield Ways(folder, own, (address, certificates))


def _port() -> int:
    """Return a free port that nobody else gets while the engine does not run."""
    for port in range(20000, 30000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(errno.EADDRINUSE, "no port is free")


def _verdicts(run: Cases, cases: Sequence[tuple[int, Fault]]) -> Iterator[Verdict]:
    yield from run.together([case for case in cases if not case[1].is_alone])
    for way in dict.fromkeys(fault.way for _, fault in cases if fault.is_alone):
        yield from run.one_by_one(way, [case for case in cases if case[1].is_alone and case[1].way == way])


ENGINE = Part("engine", run, needs_engine=True)

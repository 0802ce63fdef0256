"""The ways in which a build is ended."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from integration.soak.started import Started

# Python's own end of the interpreter, before the command line has heard of anything.
SIGINT, SIGTERM, SIGHUP = 130, 143, 129


@dataclasses.dataclass(frozen=True)
class Ending:
    """A way to end a build.

    :param act: ends it
    :param codes: the exit codes that it may have, beside that of a build which was complete
    :param is_noticed: whether the command line can clean up
    :param is_heeded: whether it may publish nothing any more
    """

    name: str
    act: Callable[[Started, random.Random], None]
    codes: frozenset[int]
    is_noticed: bool = True
    is_heeded: bool = True
    at_terminal: bool = False
    is_coroutine: bool = False


def _signal(number: signal.Signals) -> Callable[[Started, random.Random], None]:
    return lambda started, chance: started.signal(number, group=chance.random() < 0.5)


def _twice(started: Started, chance: random.Random) -> None:
    started.signal(signal.SIGINT, group=True)
    time.sleep(chance.random() * 0.3)
    started.signal(signal.SIGINT, group=True)


def _kill_host(started: Started, chance: random.Random) -> None:
    host = started.host()
    while host is None and not started.wait(chance.random() * 0.05):
        host = started.host()
    if host is not None:
        with suppress(ProcessLookupError):
            os.kill(host, signal.SIGKILL)


def _hang_up(started: Started, _chance: random.Random) -> None:
    started.hang_up()


def _nothing(_started: Started, _chance: random.Random) -> None:
    pass


ENDINGS = (
    Ending("SIGINT", _signal(signal.SIGINT), frozenset({SIGINT})),
    Ending("SIGTERM", _signal(signal.SIGTERM), frozenset({SIGTERM})),
    Ending("SIGHUP", _signal(signal.SIGHUP), frozenset({SIGHUP})),
    Ending("second Ctrl-C", _twice, frozenset({SIGINT})),
    Ending("SIGKILL", _signal(signal.SIGKILL), frozenset({137}), is_noticed=False),
    Ending("SIGKILL of the host", _kill_host, frozenset({1}), is_heeded=False),
    Ending("closed terminal", _hang_up, frozenset({SIGHUP, 1}), at_terminal=True),
    Ending("closed output", _hang_up, frozenset({1}), is_heeded=False),
    Ending("cancelled coroutine", _nothing, frozenset(), is_coroutine=True),
)

"""Start the hook host of the last build while the rest of this one is still being read and imported.

Whether it is the one that is wanted is known much later: then it is taken over, or ended. A host imports a backend and
waits; it runs nothing of a project before somebody speaks to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final, NoReturn

from headless_wheel_builder.hooks.channel import Channel, Frame
from headless_wheel_builder.hooks.no_network import without_network
from headless_wheel_builder.values import value

PROGRAM: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "host.py")
# More than that does not fit into the pipe while nobody reads.
LONGEST_ORDER: Final = 60_000
_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@value
class Order:
    """All that a host is started with.

    :param environ: the whole environment of hooks, before what pyproject-hooks adds
    :param source: the folder it is started in
    :param is_captured: whether hooks print to us rather than to our own streams
    :param first: the first frame that it gets
    :param network: whether it, and so hooks, have one
    """

    python: str
    environ: Mapping[str, str]
    source: str
    is_captured: bool
    first: Frame
    network: bool = True

    def argv(self, theirs: Sequence[int]) -> list[str]:
        """Return the command line of a host that has these ends of the channel."""
        argv = [self.python, PROGRAM, *map(str, theirs)]
        return argv if self.network else without_network(argv)

    def facts(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """Return it for JSON: of the variables, those that the caller's `environ` has not."""
        more = {name: text for name, text in self.environ.items() if environ.get(name) != text}
        gone = [name for name in environ if name not in self.environ]
        fixed = {name: found for name, found in vars(self).items() if name != "environ"}
        return {**fixed, "more": more, "gone": gone}

    @classmethod
    def parse(cls, facts: Mapping[str, Any] | None, environ: Mapping[str, str]) -> Order | None:
        """Read what `facts` returned, for another environment; None if it is something else."""
        match facts:
            case {
                "python": str(python),
                "source": str(source),
                "is_captured": bool(is_captured),
                "first": {"preload": list(), "own": list()} as first,
                "network": bool(network),
                "more": dict(more),
                "gone": list(gone),
            } if all(isinstance(text, str) for text in more.values()):
                kept = {name: text for name, text in environ.items() if name not in gone}
                return cls(python, {**kept, **more}, source, is_captured, first, network)
        return None


class Started:
    """The process of a host that was started ahead, as `subprocess` would have it."""

    def __init__(self, pid: int, output: int | None) -> None:
        self.pid = pid
        self.stdout: IO[bytes] | None = None if output is None else os.fdopen(output, "rb", buffering=0)
        self.stderr: IO[bytes] | None = None
        self.returncode: int | None = None

    def wait(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)


class HeadStart:
    """A host that runs already, or none, and what is to be started ahead next time."""

    def __init__(self) -> None:
        self.wanted: Order | None = None
        self._order: Order | None = None
        self._running: tuple[Started, Channel] | None = None

    def begin(self, order: Order) -> None:
        """Start a host, if it can be started. Nothing else may run in this process yet."""
        self._order = order
        # A signal that ends the program finds the host started and known, or not started.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            with contextlib.suppress(OSError, ValueError):
                if _is_possible(order):
                    self._running = _start(order, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def is_right(self) -> bool:
        """Whether what was started, or nothing, is what was wanted."""
        return self.wanted is None or self.wanted == self._order

    def take(self, order: Order) -> tuple[Started, Channel] | None:
        """Return the process and the channel of a host if it is the one; end it if it is another."""
        if self.wanted is None:
            self.wanted = order
        if order != self._order:
            self.abandon()
        running, self._running = self._running, None
        return running

    def abandon(self) -> None:
        """End the host if nobody took it."""
        if self._running is not None:
            (process, channel), self._running = self._running, None
            channel.close()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def obstacle(environ: Mapping[str, str]) -> str | None:
    """Say which variable keeps an interpreter from being a host; None if none does."""
    for name in ("PYTHONVERBOSE", "PYTHONPROFILEIMPORTTIME"):
        if environ.get(name):
            return f"{name} has interpreters print what they import"
    path = environ.get("PYTHONPATH")
    if path and not all(map(os.path.isabs, path.split(os.pathsep))):
        return "PYTHONPATH names a relative folder"
    return None


def _is_possible(order: Order) -> bool:
    is_short = len(json.dumps(order.first)) <= LONGEST_ORDER
    is_there = os.path.isdir(order.source) and os.access(order.python, os.X_OK)
    return is_short and is_there and obstacle(order.environ) is None


def _start(order: Order, mask: Iterable[int]) -> tuple[Started, Channel]:
    channel = Channel()
    reader, writer = os.pipe() if order.is_captured else (None, None)
    try:
        pid = channel.hand_over(lambda theirs: _fork(order, theirs, writer, mask), order.first)
    except BaseException:  # whatever happens, no pipe stays open
        if reader is not None:
            os.close(reader)
        raise
    finally:
        if writer is not None:
            os.close(writer)
    return Started(pid, reader), channel


def _fork(order: Order, theirs: Sequence[int], output: int | None, mask: Iterable[int]) -> int:
    # Neither `subprocess`, which takes longer to import than this whole module, nor `posix_spawn`, whose processes
    # ignore two signals more than others.
    pid = os.fork()
    if not pid:
        _become(order, theirs, output, mask)
    return pid


def _become(order: Order, theirs: Sequence[int], output: int | None, mask: Iterable[int]) -> NoReturn:
    try:
        os.setsid()
        os.chdir(order.source)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
            if descriptor is not None:
                os.dup2(descriptor, number)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:  # noqa: PLR2004 - the standard streams
                _keep(int(name), is_kept=int(name) in theirs)
        # Handlers go with the program; one of this must not run before.
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        argv = order.argv(theirs)
        os.execve(argv[0], argv, order.environ)
    finally:
        os._exit(127)


def _keep(descriptor: int, *, is_kept: bool) -> None:
    with contextlib.suppress(OSError):  # the one that listed the folder is closed
        os.set_inheritable(descriptor, is_kept)

"""Start processes, and see to it that they end.

Every process of a build belongs to its `Processes`. Each runs in a process group of its own, so that the compilers a
backend starts end with it; `cancel()` may be called from any thread and from an event loop, but, as it takes a lock,
not from a signal handler.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Final, Literal, Protocol, TypeAlias, TypeVar

from headless_wheel_builder.background import begin
from headless_wheel_builder.pump import Pump
from headless_wheel_builder.values import value

OnOutput: TypeAlias = Callable[[bytes], None]
# `dump`: end in a way that has an interpreter, if it was told so at its start, show where all its threads are.
Stop: TypeAlias = Literal["terminate", "kill", "dump"]
# Where a process prints: to our own streams, to one pipe, or to a pipe for each stream.
Output: TypeAlias = Literal["inherit", "merged", "apart"]

Running = TypeVar("Running", bound="Stoppable")

# How long a process may take to clean up after SIGTERM before it is killed.
GRACE_SECONDS = 5.0
ANSWER_BYTES = 1024 * 1024
# The processes that this one has started itself, and waits for; held while one is started, until it is known.
OURS: Final[set[int]] = set()
STARTING: Final = threading.Lock()


class Cancelled(BaseException):
    """Unwind a build that was cancelled; not an `Exception`, so that nobody handles it by accident."""


@value
class Captured:
    """What a finished process printed, apart, and its exit code as in `subprocess`."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Child(Protocol):
    """A process of ours: `subprocess.Popen`, or what was started without that."""

    pid: int
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None
    returncode: int | None

    def wait(self) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Stoppable(Protocol):
    """Something that runs for a build."""

    def stop(self, how: Stop) -> None:
        """Ask it to end, or end it; without waiting, and without starting or finishing anything else of the build."""
        ...


class Processes:
    """The processes of one build.

    :param grace: seconds between asking a process to end and killing it
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._live: list[Stoppable] = []
        self._callbacks: list[Callable[[], None]] = []
        self._cancelled = False
        self._reaper: threading.Timer | None = None

    @property
    def cancelled(self) -> bool:
        """Whether `cancel()` was called."""
        return self._cancelled

    def checkpoint(self) -> None:
        """Raise `Cancelled` if the build was cancelled; long work without processes calls this often."""
        if self._cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """End what runs and let nothing start any more: SIGTERM, a grace period, SIGKILL. A second call kills at once.

        Returns without waiting: the thread that runs a process returns when it is gone.
        """
        with self._lock:
            again, self._cancelled = self._cancelled, True
            for running in self._live:
                running.stop("kill" if again else "terminate")
            for callback in self._callbacks:
                callback()
            if not again and self._live:
                self._reap_later()

    def _reap_later(self) -> None:
        try:
            self._reaper = _after(self._grace, lambda: self._stop_all("kill"))
        except OSError:  # no thread is left that could wait: whoever cancels must not wait for ever
            for running in self._live:
                running.stop("kill")

    def add(self, start: Callable[[], Running]) -> Running:
        """Start something that is stopped when the build is cancelled, until it is given to `remove`.

        :raises Cancelled: the build was cancelled before
        """
        with self._lock:
            self.checkpoint()
            running = start()
            self._live.append(running)
        return running

    def remove(self, running: Stoppable) -> None:
        """Forget what has ended."""
        with self._lock:
            self._live.remove(running)
            if self._reaper is not None and not self._live:
                self._reaper.cancel()

    def part(self) -> Processes:
        """Return processes of the same build that can also be cancelled without the rest; give them to `remove`."""
        return self.add(lambda: Processes(self._grace))

    def stop(self, how: Stop) -> None:
        """Cancel, as a part of a build that is stopped with the rest; `dump` only ends what runs."""
        if how == "dump":
            self._stop_all(how)
            return
        self.cancel()
        if how == "kill":
            self.cancel()

    def environ(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment that a program gets."""
        return env

    def host_environ(self, env: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment that a host of hooks gets, which ends what they leave unless it is killed itself."""
        return env

    @contextlib.contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` called when the build is cancelled inside the block; raise `Cancelled` if it was already."""
        with self._lock:
            self.checkpoint()
            self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None = None,
        on_output: OnOutput | None = None,
        pass_fds: Sequence[int] = (),
    ) -> int:
        """Run a program to its end and return its exit code, negative for a signal.

        What it leaves running in its process group is killed before this returns.

        :param on_output: gets what it prints, both streams merged; without it, it prints to our own streams
        :param pass_fds: descriptors that it gets besides
        :raises Cancelled: the build was cancelled, before or meanwhile
        :raises OSError: the program cannot be started
        """
        output: Output = "inherit" if on_output is None else "merged"
        with self._start(argv, cwd=cwd, env=env, output=output, pass_fds=pass_fds) as process:
            return self._finish(process, [] if on_output is None else [self._pump(process, process.stdout, on_output)])

    def capture(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
    ) -> Captured:
        """Run a program that prints little, and return what it printed on each stream.

        One that prints more than `ANSWER_BYTES` on a stream is killed, and its exit code tells so.

        :param timeout: seconds after which it is killed; its exit code then tells so
        :raises Cancelled: the build was cancelled, before or meanwhile
        :raises OSError: the program cannot be started
        """
        with self._start(argv, cwd=cwd, env=env, output="apart") as process:
            out, err = (_Kept(on_too_much=lambda: self._kill(process)) for _ in range(2))
            pumps = [
                self._pump(process, process.stdout, out.add),
                self._pump(process, process.stderr, err.add),
            ]
            deadline = None if timeout is None else _after(timeout, lambda: self._kill(process))
            try:
                returncode = self._finish(process, pumps)
            finally:
                if deadline is not None:
                    deadline.cancel()
        return Captured(returncode, bytes(out.content), bytes(err.content))

    @contextlib.contextmanager
    def _start(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
        output: Output,
        pass_fds: Sequence[int] = (),
    ) -> Iterator[Child]:
        environ = self.environ(env)
        group = self.add(lambda: Group.start(argv, cwd=cwd, env=environ, output=output, pass_fds=pass_fds))
        process = group.process
        try:
            yield process
        except BaseException:  # a cancellation too: no process outlives the block
            group.stop("kill")
            process.wait()
            raise
        finally:
            self.remove(group)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def _finish(self, process: Child, pumps: Sequence[Pump]) -> int:
        _wait_unreaped(process)
        with self._lock:
            Group(process).stop("kill")
            returncode = process.wait()
        for pump in pumps:
            pump.drain()
        self.checkpoint()
        return returncode

    def _pump(self, process: Child, stream: IO[bytes] | None, on_output: OnOutput) -> Pump:
        if stream is None:
            raise ValueError("the process was started without a pipe")
        return Pump(stream, on_output, on_error=lambda: self._kill(process))

    def _kill(self, process: Child) -> None:
        with self._lock:
            Group(process).stop("kill")

    def _stop_all(self, how: Stop) -> None:
        with self._lock:
            for running in self._live:
                running.stop(how)


_STREAMS: Final[Mapping[Output, tuple[int | None, int | None]]] = {
    "inherit": (None, None),
    "merged": (subprocess.PIPE, subprocess.STDOUT),
    "apart": (subprocess.PIPE, subprocess.PIPE),
}


class Group:
    """A process that leads a process group of its own."""

    def __init__(self, process: Child) -> None:
        self.process = process

    @classmethod
    def start(
        cls,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
        output: Output = "inherit",
        pass_fds: Sequence[int] = (),
    ) -> Group:
        """Start it, with nothing to read on its stdin.

        :raises OSError: it cannot be started
        """
        stdout, stderr = _STREAMS[output]
        with STARTING:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                pass_fds=pass_fds,
            )
            OURS.add(process.pid)
        return cls(process)

    def stop(self, how: Stop) -> None:
        """Signal the whole group, unless its leader was waited for and its id may be a stranger's."""
        if self.process.returncode is not None:
            return
        if os.name == "nt":
            self.process.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if how == "dump":
                _forbid_core(self.process.pid)
                os.kill(self.process.pid, signal.SIGABRT)
            else:
                os.killpg(self.process.pid, signal.SIGKILL if how == "kill" else signal.SIGTERM)


def _forbid_core(pid: int) -> None:
    # What SIGABRT ends leaves a file of all its memory where it ran, if the system is set up so.
    if sys.platform.startswith("linux"):
        import resource

        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


class _Kept:
    """What a program answers; one that does not stop is stopped."""

    def __init__(self, on_too_much: Callable[[], None]) -> None:
        self.content = bytearray()
        self._on_too_much = on_too_much

    def add(self, chunk: bytes) -> None:
        if len(self.content) < ANSWER_BYTES:
            self.content += chunk
        else:
            self._on_too_much()


def _after(seconds: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    begin(timer)
    return timer


def _wait_unreaped(process: Child) -> None:
    # Until it is reaped its process id cannot be given to a stranger, so its group can be signalled safely.
    if hasattr(os, "waitid"):
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()

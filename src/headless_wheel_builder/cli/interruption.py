"""Ctrl-C, SIGTERM and SIGHUP: end what runs, clean up, exit.

Little is imported here, because the signals are received from the first moment on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar, final

if TYPE_CHECKING:
    from types import FrameType

    from headless_wheel_builder.background import Background
    from headless_wheel_builder.process import Processes

T = TypeVar("T")

SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# Of children that have ended, some may be orphans that nobody else waits for.
HEARD: Final = (*SIGNALS, *filter(None, [getattr(signal, "SIGCHLD", None)]))
# What the building thread writes to the channel at its end, where a signal writes its number.
END: Final = 0


class Interrupted(Exception):  # noqa: N818 - it is no error of the build
    """A signal ended the build."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.name = signal.Signals(number).name
        # What a shell says of a program that a signal ended.
        self.exit_code = 128 + number


class Interruption:
    """Receives the signals, from its creation on.

    The build runs on another thread, so that no signal can break into its cleaning up.

    :param before_exit: called when a signal ends the program before or after the build
    :param is_program: whether this process does nothing else, and has no threads yet
    """

    before_exit: Callable[[], None] | None = None

    def __init__(self, *, is_program: bool = False) -> None:
        self._is_program = is_program
        self._is_building = False
        for number in SIGNALS:
            # Ignored signals stay ignored: nohup and background jobs of a script rely on it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        # Some supervisors ignore it, and the system then forgets how processes of ours ended.
        if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def run(self, work: Callable[[Processes], T]) -> T:
        """Run `work` to its end, which a signal brings about early.

        :raises Interrupted: a signal ended it
        """
        from headless_wheel_builder.adoption import reap_orphans
        from headless_wheel_builder.background import Background
        from headless_wheel_builder.process import Cancelled

        received = []
        with self._processes() as processes, _Channel() as channel:
            building = Background(lambda: work(processes), at_end=channel.close_down)
            self._begin(building)
            self._adopt()
            for number in channel.numbers():
                if number in SIGNALS:
                    received.append(number)
                    processes.cancel()
                else:
                    reap_orphans()
        self._is_building = False
        try:
            return building.result()
        except Cancelled:
            raise Interrupted(received[0]) from None

    def _begin(self, building: Background[T]) -> None:
        self._is_building = True
        try:
            building.start()
        except OSError:
            self._is_building = False
            raise

    @contextlib.contextmanager
    def _processes(self) -> Iterator[Processes]:
        """Have the processes of a build, of which none outlives the block if this process is all ours."""
        from headless_wheel_builder.adoption import end_orphans
        from headless_wheel_builder.guard import Guard, GuardedProcesses, forked

        if not self._is_program or not hasattr(os, "fork"):
            with contextlib.closing(Guard()) as guard:
                yield GuardedProcesses(guard)
            return
        with contextlib.closing(Guard(forked, adopts=True).begin()) as guard:
            yield GuardedProcesses(guard)
            if self.before_exit is not None:
                self.before_exit()
            end_orphans(but=guard.process.pid if guard.process else 0)

    def _adopt(self) -> None:
        from headless_wheel_builder.adoption import adopt

        if self._is_program and hasattr(signal, "SIGCHLD"):
            # A handler of Python, so that the channel has the signal.
            signal.signal(signal.SIGCHLD, lambda *_: None)
            adopt()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._is_building:
            return  # the channel has it
        # Nothing else was started yet, or all is done.
        if self.before_exit is not None:
            self.before_exit()
        interrupted = Interrupted(number)
        # Where nobody reads it any more, an error would come up wherever the program is, which may go on after it.
        with contextlib.suppress(OSError):
            os.write(2, f"\nERROR Interrupted by {interrupted.name}\n".encode())
        os._exit(interrupted.exit_code)


@final
class _Channel:
    """The numbers of the signals that arrive, in order, until it is closed down.

    A handler written in Python would be too late: it runs when the main thread wakes up, and a signal that the system
    gives to another thread does not wake it. Python's own handler, in C, writes to the channel at once.
    """

    def __enter__(self) -> _Channel:
        self._before = signal.set_wakeup_fd(self._open(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        self._close()

    def numbers(self) -> Iterator[int]:
        while number := self._read(1)[0]:
            if number in HEARD:
                yield number

    def close_down(self) -> None:
        self._write(bytes([END]))

    if sys.platform == "win32":

        def _open(self) -> int:
            import socket

            # Windows cannot use a pipe for this.
            reader, writer = socket.socketpair()
            writer.setblocking(False)
            self._read, self._write = reader.recv, writer.send
            self._close = lambda: (reader.close(), writer.close())
            return writer.fileno()

    else:

        def _open(self) -> int:
            # Not sockets, whose module takes longer to import than all else here.
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            return self._writer

        def _close(self) -> None:
            os.close(self._reader)
            os.close(self._writer)

        def _read(self, count: int) -> bytes:
            return os.read(self._reader, count)

        def _write(self, content: bytes) -> None:
            os.write(self._writer, content)

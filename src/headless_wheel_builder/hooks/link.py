"""The connection to a hook host, and what keeps it running."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import Final, Protocol

from headless_wheel_builder.hooks.channel import PERIOD, Channel, Frame
from headless_wheel_builder.process import Group, OnOutput
from headless_wheel_builder.process_status import is_zombie
from headless_wheel_builder.pump import PIPE_SIZE

# For what was killed to be gone.
END_SECONDS: Final = 2.0
MOST_PIECES: Final = 64


class Link(Protocol):
    """Whatever a host is reached by."""

    def send(self, frame: Frame) -> None:
        """Send a frame; when the host is gone, the next `receive` tells."""
        ...

    def receive(self, on_output: OnOutput | None) -> Frame | None:
        """Wait for a frame and return it, None when the host is gone; hand on meanwhile what hooks print."""
        ...

    def last_frame(self) -> Frame | None:
        """Return what a host that was killed has said last, if that comes at once."""
        ...

    def hand_on(self, on_output: OnOutput | None) -> None:
        """Hand on what a hook that has ended printed last."""
        ...

    def kill(self) -> None:
        """End the host at once, without waiting; may be called from any thread."""
        ...

    def kill_hook(self, hook: int) -> None:
        """End what is left of a hook whose host is gone; 0 for none."""
        ...

    def close(self) -> None:
        """End the host, and wait until it is gone."""
        ...


class ProcessLink:
    """A host that is a process of ours, at the other end of a channel."""

    def __init__(self, group: Group, channel: Channel) -> None:
        self._group = group
        self._channel = channel
        self.send = channel.send

    def receive(self, on_output: OnOutput | None) -> Frame | None:
        """Wait for a frame and return it; None when the host is gone."""
        output = self._group.process.stdout
        if output is not None and on_output is not None:
            poll = select.poll()
            poll.register(output, select.POLLIN)
            poll.register(self._channel, select.POLLIN)
            while self._channel.fileno() not in dict(poll.poll(PERIOD)):
                self.hand_on(on_output)
                if self._has_ended():
                    break
        return self._channel.receive(self._has_ended)

    def last_frame(self) -> Frame | None:
        """Return what the host has said last."""
        deadline = time.monotonic() + END_SECONDS
        return self._channel.receive(lambda: time.monotonic() > deadline)

    def hand_on(self, on_output: OnOutput | None) -> None:
        """Hand on what was printed so far."""
        output = self._group.process.stdout
        if output is None or on_output is None:
            return
        os.set_blocking(output.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            # A daemon that left the group may print for ever.
            for _ in range(MOST_PIECES):
                if chunk := os.read(output.fileno(), PIPE_SIZE):
                    on_output(chunk)

    def kill(self) -> None:
        """Kill its process group."""
        self._group.stop("kill")

    def kill_hook(self, hook: int) -> None:
        """Kill the process group of a hook."""
        if hook == os.getpgrp():
            return  # our own, which no host has started
        # An orphan's id is its own until it is gone.
        deadline = time.monotonic() + END_SECONDS
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while hook and time.monotonic() < deadline:
                os.killpg(hook, signal.SIGKILL)
                if is_zombie(hook):  # whoever adopts orphans may never wait for them
                    break
                time.sleep(0.001)

    def _has_ended(self) -> bool:
        # Something that found the channel may keep it open. The host is only waited for in the end, as until then its
        # id cannot be given to a stranger.
        try:
            return os.waitid(os.P_PID, self._group.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def close(self) -> None:
        """End the host, and wait until it is gone."""
        process = self._group.process
        self._channel.close()
        self._group.stop("kill")
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

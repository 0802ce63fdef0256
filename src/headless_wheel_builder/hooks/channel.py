"""The frontend's end of the channel to a hook host: frames of JSON (see host.py)."""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")

Frame: TypeAlias = dict[str, Any]

# A host speaks of process ids and reasons only; a longer frame is not its own.
LONGEST_FRAME: Final = 64 * 1024
# Milliseconds between two looks whether there is anybody who could still say something.
PERIOD: Final = 500


class Channel:
    """Two pipes, one for each direction."""

    def __init__(self) -> None:
        self._theirs_in, self._ours_out = os.pipe()
        self._ours_in, self._theirs_out = os.pipe()
        # Where our own standard streams are closed, pipes get their numbers, which hooks would take for theirs.
        self.theirs = tuple(map(above_streams, (self._theirs_in, self._theirs_out)))

    def fileno(self) -> int:
        """Return the descriptor to wait at."""
        return self._ours_in

    def hand_over(self, start: Callable[[Sequence[int]], T], first: Frame) -> T:
        """Start a host with its ends of the channel, send it the first frame, and return what `start` returned."""
        try:
            started = start(self.theirs)
        except BaseException:  # Ctrl-C too: no pipe stays open
            self.close()
            raise
        self.give()
        self.send(first)
        return started

    def give(self) -> None:
        """Close the host's ends here, once the host has them: when either side is gone, the other sees it."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    def send(self, frame: Frame) -> None:
        """Send a frame; when the host is gone, the next `receive` tells."""
        body = json.dumps(frame).encode()
        left = len(body).to_bytes(4, "big") + body
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[os.write(self._ours_out, left) :]

    def receive(self, is_over: Callable[[], bool] = lambda: False) -> Frame | None:
        """Wait for a frame and return it; None when the host is gone, or speaks in another way.

        :param is_over: tells that nothing will come any more, though something may keep the channel open
        """
        length = int.from_bytes(self._bytes(4, is_over), "big")
        body = self._bytes(length, is_over) if length <= LONGEST_FRAME else b""
        try:
            frame = json.loads(body or b"null")
        except (ValueError, RecursionError):
            return None
        return frame if isinstance(frame, dict) else None

    def close(self) -> None:
        """Tell the host to end."""
        self.give()
        os.close(self._ours_in)
        os.close(self._ours_out)

    def is_ready(self, milliseconds: int) -> bool:
        """Wait until something has come, or the other end is closed; tell whether that is so."""
        poll = select.poll()
        poll.register(self._ours_in, select.POLLIN)
        return bool(poll.poll(milliseconds))

    def _bytes(self, count: int, is_over: Callable[[], bool]) -> bytes:
        parts = b""
        while len(parts) < count:
            while not self.is_ready(PERIOD):
                if is_over() and not self.is_ready(0):
                    return b""
            part = os.read(self._ours_in, count - len(parts))
            if not part:
                return b""
            parts += part
        return parts


def above_streams(descriptor: int) -> int:
    """Have a descriptor that is none of a standard stream, although those may be closed, instead of another one."""
    import fcntl

    above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return above


def is_possible() -> bool:
    """Tell whether hosts can run here: where processes are forked safely, and descriptors are passed on."""
    return os.name == "posix" and os.uname().sysname == "Linux"

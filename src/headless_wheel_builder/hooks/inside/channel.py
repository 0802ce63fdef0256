"""The host's end of the channel: frames in and out."""

from __future__ import annotations

import fcntl
import json
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Frame = dict[str, Any]


class Channel:
    """Frames in and out."""

    def __init__(self, reader: int, writer: int, *, is_container: bool = False) -> None:
        self.reader = reader
        self.writer = writer
        # Whether the host is the main process of a container, and the channel its standard streams.
        self.is_container = is_container
        self._identity = self._look()

    def read(self) -> Frame | None:
        """Return the next frame, or None at the channel's end; what is no frame is its end too."""
        head = self._bytes(4)
        body = None if head is None else self._bytes(int.from_bytes(head, "big"))
        try:
            frame = None if body is None else json.loads(body)
        except (ValueError, RecursionError):
            return None
        return frame if isinstance(frame, dict) else None

    def write(self, frame: Frame) -> bool:
        """Send a frame; tell whether there is somebody to read it."""
        body = json.dumps(frame).encode()
        left = len(body).to_bytes(4, "big") + body
        try:
            while left:
                left = left[os.write(self.writer, left) :]
        except BrokenPipeError:
            return False
        return True

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self.writer)

    def watch(self, is_on: bool) -> None:
        """Have this process ended by SIGIO when the frontend is gone; as long as it does, nothing may be sent."""
        flags = fcntl.fcntl(self.reader, fcntl.F_GETFL)
        fcntl.fcntl(self.reader, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self.reader, fcntl.F_SETFL, flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC)

    def begin_anew(self, argv: list[str]) -> None:
        """Be a host from its start, with nothing of what was imported, started or opened.

        :param argv: how it is started
        """
        os.dup2(self.reader, 0)
        os.dup2(self.writer, 1)
        # All that the import started: but for these two, nobody else is in a container.
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.execv(argv[0], argv)

    def is_intact(self) -> bool:
        """Tell whether the descriptors are still those of the channel."""
        return self._look() == self._identity

    def _look(self) -> list[tuple[int, int]]:
        return [identity(self.reader), identity(self.writer)]

    def _bytes(self, count: int) -> bytes | None:
        parts = b""
        while len(parts) < count:
            # Not as much as a hostile frame says that it has, which would have to be there at once.
            part = os.read(self.reader, min(count - len(parts), 65536))
            if not part:
                return None
            parts += part
        return parts


def identity(descriptor: int) -> tuple[int, int]:
    """Return what tells an open descriptor from any other, (0, 0) for a closed one."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def take_channel(reader: int, writer: int) -> Channel:
    """Have the channel of two descriptors for this process alone."""
    if reader == 0:
        taken = [os.dup(reader), os.dup(writer)]
        # The channel of a container: hooks read nothing, and print to the stream that is left.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        for descriptor in taken:
            os.set_inheritable(descriptor, False)
        return Channel(*taken, is_container=True)
    for descriptor in (reader, writer):
        os.set_inheritable(descriptor, False)
    return Channel(reader, writer)

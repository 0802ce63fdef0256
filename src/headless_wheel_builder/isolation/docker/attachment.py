"""The standard streams of a container's main process, over the connection that an engine keeps open for them.

While it is open the process has a stdin. When it closes, because we did it or because we are gone, so does the stdin.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.process import OnOutput

# In front of each piece that comes: its stream, three zeros, its length (Docker's API: "attach to a container").
HEAD: Final = 8
STDOUT: Final = 1
LAST: Final = 2000
# What a hook answers is sent whole: metadata of thousands of files, for example.
LONGEST_FRAME: Final = 64 * 1024 * 1024
LONGEST_PIECE: Final = 1024 * 1024
# A connection over which nothing comes any more is noticed after about two minutes.
KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 6))


class Attachment:
    """Frames to and from a hook host, and what is printed beside them.

    :param stream: what the docker SDK returned for the connection
    :param mark: what the host prints when a hook has ended, as frames and what is printed come in no order
    :param is_there: is asked whether the engine still answers when nothing has come for a while
    :param patience: seconds until it is asked; None to wait for ever, as a hook may say nothing for as long as it wants
    """

    def __init__(
        self, stream: Any, mark: bytes, is_there: Callable[[], bool] = lambda: True, patience: float | None = None
    ) -> None:
        self._mark = mark
        self._is_there = is_there
        self._patience = patience
        # Kept: the connection closes when it is forgotten.
        self._stream = stream
        self._socket = getattr(stream, "_sock", stream)
        self._socket.settimeout(None)
        _keep_alive(self._socket)
        # The end of all that was printed, for when nothing follows it.
        self.last_words = b""
        self._frames = bytearray()
        self._printed = bytearray()
        # Of the piece that comes: whether it is of frames, and how much of it is still to come.
        self._is_framed = False
        self._left = 0
        self._sending = threading.Lock()

    def send(self, frame: Frame) -> None:
        """Send a frame; when the container is gone, the next `receive` tells."""
        body = json.dumps(frame).encode()
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(len(body).to_bytes(4, "big") + body)

    def receive(self, on_output: OnOutput | None) -> Frame | None:
        """Wait for a frame and return it, None when the container is gone; hand on meanwhile what is printed."""
        while (body := self._body()) is None:
            if not self._take():
                self._hand_on(len(self._printed), on_output)
                return None
            self._hand_on(_known(self._printed, self._mark), on_output)
        try:
            frame = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return frame if isinstance(frame, dict) else None

    def finish(self, on_output: OnOutput | None) -> None:
        """Hand on what is printed before the next mark, and wait for that if need be."""
        while self._mark not in self._printed and self._take():
            self._hand_on(_known(self._printed, self._mark), on_output)
        self._hand_on(_known(self._printed, self._mark), on_output)
        del self._printed[: len(self._mark)]

    def end(self) -> None:
        """Close the connection, so that whoever waits for it goes on; may be called from any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection and forget it."""
        self.end()
        close(self._stream)

    def _hand_on(self, count: int, on_output: OnOutput | None) -> None:
        printed = bytes(self._printed[:count])
        del self._printed[:count]
        self.last_words = (self.last_words + printed)[-LAST:]
        if printed and on_output is not None:
            on_output(printed)

    def _body(self) -> bytes | None:
        length = int.from_bytes(self._frames[:4], "big")
        if len(self._frames) < 4 or (len(self._frames) < 4 + length <= LONGEST_FRAME):  # noqa: PLR2004 - the length
            return None
        body = bytes(self._frames[4 : 4 + length])
        del self._frames[: 4 + length]
        return body

    def _take(self) -> bool:
        """Take one piece from the connection; tell whether there was one."""
        if not self._left:
            head = self._exactly(HEAD)
            if not head:
                return False
            self._is_framed, self._left = head[0] == STDOUT, int.from_bytes(head[4:], "big")
        # Engines send kilobytes. One that promises gigabytes is not believed at once.
        piece = self._exactly(min(self._left, LONGEST_PIECE))
        if len(piece) < min(self._left, LONGEST_PIECE):
            return False
        self._left -= len(piece)
        (self._frames if self._is_framed else self._printed).extend(piece)
        # Frames that nobody takes: whoever sends so many is no host.
        return len(self._frames) <= 2 * LONGEST_FRAME

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            while not self._has_come():
                if not self._is_there():
                    return b""
            try:
                part = self._socket.recv(min(count - len(parts), 1 << 20))
            except OSError:
                part = b""
            if not part:
                return b""
            parts += part
        return bytes(parts)

    def _has_come(self) -> bool:
        """Tell whether there is something to receive; only sockets can be asked, not pipes of Windows."""
        if self._patience is None or not isinstance(self._socket, socket.socket):
            return True
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        # Of what is closed already (ValueError), and of more than it can watch, receiving tells.
        with contextlib.suppress(OSError, ValueError):
            return bool(select.select([self._socket], [], [], self._patience)[0])
        return True


def close(stream: Any) -> None:
    """Close what the docker SDK returned for a connection."""
    # Of a connection with TLS, the response has a part that keeps it open.
    for part in (getattr(stream, "_response", None), stream, getattr(stream, "_sock", stream)):
        # What one of them has closed, another cannot flush any more (ValueError).
        with contextlib.suppress(OSError, ValueError):
            if part is not None:
                part.close()


def _known(printed: bytearray, mark: bytes) -> int:
    """Return how much of what was printed is in front of a mark, or of what may become one."""
    found = printed.find(mark)
    if found >= 0:
        return found
    longest = min(len(printed), len(mark) - 1)
    return len(printed) - next(count for count in range(longest, -1, -1) if printed.endswith(mark[:count]))


def _keep_alive(connection: Any) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

"""A connection to an engine that does at one request what connections do when something breaks."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from docker.errors import APIError
from watched_engine import KEY, REQUEST, WatchedEngine, connected

from headless_wheel_builder.isolation.docker.keeping import LOST_AFTER, is_lost
from headless_wheel_builder.isolation.docker.plan import LABEL, MAKER

Client: TypeAlias = socket.socket
# What somebody else may say instead of the engine.
NONSENSE = (
    b"\x00\xff\x16\x03 this is no HTTP\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n<html>Log in.</html>\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"Id":5}',
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)
REFUSED = b"HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"


class Spoil:
    """What happens to one request.

    :param skipped: how many requests are let through before
    :param before: happens instead of the request; what it raises closes the connection
    :param after: happens to the first part of the answer
    :param pattern: which requests count
    """

    def __init__(
        self,
        skipped: int,
        before: Callable[[FaultyEngine, Client], None] | None = None,
        after: Callable[[Client, bytes], None] | None = None,
        pattern: bytes = b"",
    ) -> None:
        self.skipped = skipped
        self.before = before
        self.after = after
        self.pattern = re.compile(pattern)
        # The request that it was.
        self.hit = ""
        self.client: Client | None = None


class FaultyEngine(WatchedEngine):
    """An engine whose connections break.

    :param address: of the engine, for those who look what is there
    :param to: where connections lead, if that is elsewhere
    :param is_tcp: whether it is a port, instead of a socket in a folder
    """

    def __init__(self, address: str, to: str = "", *, is_tcp: bool = False) -> None:
        super().__init__(address)
        self._to = to or address
        self._is_tcp = is_tcp
        self._spoil: Spoil | None = None
        # Whether it may have forgotten containers that run, which then only a later build can remove.
        self.is_forgetful = False
        self._open: list[socket.socket] = []
        self._is_gone = False
        self._mended = threading.Event()

    def spoil(self, spoil: Spoil) -> None:
        """Have something happen, once."""
        self._mended.clear()
        self._spoil = spoil

    def cut(self, *, for_good: bool) -> None:
        """Break all connections off, and perhaps let nobody in any more."""
        self._is_gone = for_good
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        """Be a connection as others are again."""
        self._spoil, self._is_gone = None, False
        self._mended.set()

    @property
    def hit(self) -> str:
        """The request that something happened to."""
        return "" if self._spoil is None else self._spoil.hit

    def strays(self) -> list[str]:
        """Return what is there of builds that has to be gone: a later build would not remove it either."""
        now = time.time() + LOST_AFTER + 1
        # Whoever made it has ended, for which a later build removes any. But one that runs has to end by itself.
        hidden = {} if self.is_forgetful else {MAKER: ""}
        made = [{**one, "Labels": {**one["Labels"], **hidden}} for one in self._made()]
        found = [f"container {one['Names']} {one['State']}" for one in made if not is_lost(one, now)]
        return [*found, *self._unexpected]

    def forget(self) -> int:
        """Remove what a later build would; return how much that was."""
        made = self._made()
        for container in made:
            with contextlib.suppress(APIError):
                self.api.remove_container(container["Id"], force=True, v=True)
        images = [
            one["Id"] for one in self.api.images(all=True, filters={"label": f"{KEY}="}) if one["Id"] in self.images
        ]
        for image in images:
            with contextlib.suppress(APIError):
                self.api.remove_image(image, force=True)
        self.containers.clear()
        self.is_forgetful = False
        return len(made) + len(images)

    def _made(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.api.containers(all=True, filters={"label": LABEL})
        # What goes by in TLS nobody sees: there are no others then.
        return [one for one in listed if self._is_tcp or {name[1:] for name in one["Names"]} & set(self.containers)]

    def stall(self, seconds: float) -> None:
        """Say nothing until it is mended."""
        self._mended.wait(seconds)

    def _listen(self) -> None:
        if not self._is_tcp:
            super()._listen()
            return
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def _connect(self) -> socket.socket:
        if self._is_gone:
            raise ConnectionRefusedError
        server = connected(self._to)
        self._open.append(server)
        return server

    def _to_server(self, client: Client, server: socket.socket, data: bytes) -> None:
        spoil = self._spoil
        if spoil is not None and not spoil.hit and REQUEST.match(data) and spoil.pattern.search(data):
            spoil.skipped -= 1
            if spoil.skipped < 0:
                spoil.hit, spoil.client = data.split(b"\r\n", 1)[0].decode(), client
                if spoil.before is not None:
                    spoil.before(self, client)
        super()._to_server(client, server, data)

    def _to_client(self, client: Client, data: bytes) -> None:
        spoil = self._spoil
        if spoil is not None and spoil.client is client and spoil.after is not None:
            spoil.after(client, data)
        super()._to_client(client, data)


def close(_engine: FaultyEngine, _client: Client) -> None:
    """Close the connection instead of asking."""
    raise ConnectionError


def gone(engine: FaultyEngine, _client: Client) -> None:
    """Close all of them, for good."""
    engine.cut(for_good=True)
    raise ConnectionError


def never(engine: FaultyEngine, _client: Client) -> None:
    """Never answer."""
    engine.stall(120)
    raise ConnectionError


def half(client: Client, data: bytes) -> None:
    """Break off in the middle of the answer."""
    client.sendall(data[: len(data) // 2])
    raise ConnectionError


def lost(_client: Client, _data: bytes) -> None:
    """Lose the answer to what was done."""
    raise ConnectionError


def nonsense(number: int) -> Callable[[FaultyEngine, Client], None]:
    """Say something that no engine says."""
    return lambda _engine, client: _say(client, NONSENSE[number % len(NONSENSE)])


def refuse(status: int, message: str) -> Callable[[FaultyEngine, Client], None]:
    """Refuse as an engine does."""
    body = b'{"message": "%s"}' % message.encode()
    return lambda _engine, client: _say(client, REFUSED % (status, len(body), body))


def _say(client: Client, answer: bytes) -> None:
    client.sendall(answer)
    raise ConnectionError

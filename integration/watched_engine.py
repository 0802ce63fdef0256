"""A socket in front of a container engine: it knows what was made through it, and can make a request wait.

What a build leaves behind is found by that, however many others use the engine at the same time.
"""

from __future__ import annotations

import contextlib
import re
import select
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
from docker.errors import APIError, NotFound
from requests import RequestException

KEY = "headless-wheel-builder.key"
REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE) /\S* HTTP/1\.1\r\n")
MADE_CONTAINER = re.compile(rb"POST \S*/containers/create\?\S*?name=([\w.-]+)")
STARTED = re.compile(rb"POST \S*/containers/([\w.-]+)/start")
COMMITTED = re.compile(rb'"Id":\s*"(sha256:[0-9a-f]+)"')
# Volumes that nobody gave a name.
ANONYMOUS = re.compile(r"[0-9a-f]{64}")
# What builds never ask for.
UNEXPECTED = re.compile(rb"POST \S*/(?:networks|volumes)/create|POST \S*/build\?")
SECONDS = 90.0


class Hold:
    """A request that waits in front of the engine.

    :param pattern: what the bytes that the frontend sends have
    :param skipped: how many such requests are not meant
    """

    def __init__(self, pattern: bytes, skipped: int) -> None:
        self._pattern = re.compile(pattern)
        self._skipped = skipped
        # Nobody released it: whoever was to do that waited for it.
        self.has_expired = False
        self._reached = threading.Event()
        self._released = threading.Event()

    def wait(self) -> None:
        """Wait until there is the request."""
        assert self._reached.wait(SECONDS), f"nobody asked for {self._pattern.pattern!r}"

    def release(self) -> None:
        """Let the engine have it."""
        self._released.set()

    def pass_by(self, data: bytes) -> None:
        """Wait if that is the request."""
        if self._reached.is_set() or not self._pattern.search(data):
            return
        self._skipped -= 1
        if self._skipped < 0:
            self._reached.set()
            self.has_expired = not self._released.wait(SECONDS)


class WatchedEngine:
    """The engine, as builds of one test see it; a context manager that serves.

    :param address: of the engine: `unix://` or `tcp://`
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.api: Any = docker.APIClient(address, timeout=60)
        self._folder = tempfile.mkdtemp(prefix="watched-")
        self.host = f"unix://{self._folder}/s"
        self.asked: list[str] = []
        self.containers: list[str] = []
        self.images: list[str] = []
        self._volumes: list[str] = []
        self._unexpected: list[str] = []
        self._holds: list[Hold] = []
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> WatchedEngine:  # noqa: PYI034 - typing.Self came with 3.11
        self._listen()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for hold in self._holds:
            hold.release()
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        for name in self.containers:
            with contextlib.suppress(APIError, RequestException):
                self.api.remove_container(name, force=True, v=True)
        self.api.close()

    def hold(self, pattern: bytes, *, skipped: int = 0) -> Hold:
        """Make a request wait, the first one after some that are let through."""
        self._holds.append(Hold(pattern, skipped))
        return self._holds[-1]

    def residue(self, seconds: float = 0.0) -> list[str]:
        """Return what is still there of what was made through it: containers, volumes, and images that nobody keeps.

        :param seconds: how long to wait for it to go
        """
        end = time.monotonic() + seconds
        while (found := list(self._residue())) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def _residue(self) -> Iterator[str]:
        yield from self._unexpected
        yield from ("a request that waits" for hold in self._holds if hold.has_expired)
        for name in self.containers:
            if facts := _found(self.api.inspect_container, name):
                yield f"container {name} {facts['State']}"
        for name in self._volumes:
            if _found(self.api.inspect_volume, name):
                yield f"volume {name}"
        for image in self.images:
            facts = _found(self.api.inspect_image, image)
            if facts and not (facts["Config"]["Labels"] or {}).get(KEY):
                yield f"image {image} {facts['Config']['Labels']}"

    def _listen(self) -> None:
        self._listener.bind(f"{self._folder}/s")
        self._listener.listen(64)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                client.close()  # the engine is gone
                continue
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _connect(self) -> socket.socket:
        return connected(self._address)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """Hand on what comes from either side, until one of them closes."""
        request = b""
        with client, server, contextlib.suppress(OSError):
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    if ready is server:
                        self._note_answer(request, data)
                        self._to_client(client, data)
                        continue
                    if match := REQUEST.match(data):
                        request = match[0]
                        self._note(request)
                    for hold in self._holds:
                        hold.pass_by(data)
                    self._to_server(client, server, data)

    def _to_client(self, client: socket.socket, data: bytes) -> None:
        client.sendall(data)

    def _to_server(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        del client
        server.sendall(data)

    def _note(self, request: bytes) -> None:
        self.asked.append(request.decode().rpartition(" ")[0])
        if match := MADE_CONTAINER.match(request):
            self.containers.append(match[1].decode())
        if match := STARTED.match(request):
            facts = _found(self.api.inspect_container, match[1].decode()) or {}
            names = [mount.get("Name", "") for mount in facts.get("Mounts", ())]
            self._volumes += filter(ANONYMOUS.fullmatch, names)
        if UNEXPECTED.match(request):
            self._unexpected.append(request.decode())

    def _note_answer(self, request: bytes, data: bytes) -> None:
        if b"/commit?" in request:
            self.images += [found.decode() for found in COMMITTED.findall(data)]


def _found(inspect: Callable[[str], Any], name: str) -> Any:
    try:
        return inspect(name)
    except NotFound:
        return None


def connected(address: str) -> socket.socket:
    """Return a connection to an engine.

    :raises OSError: there is none
    """
    scheme, _, place = address.partition("://")
    if scheme != "unix":
        host, _, port = place.rpartition(":")
        return socket.create_connection((host, int(port)))
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection

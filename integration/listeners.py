"""What is no container engine and no registry that helps: listeners for one test each."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Sequence

import pytest


class Silent:
    """A socket where nobody ever answers; a context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="silent-")
        self.path = f"{self._folder}/s"
        self.host = f"unix://{self.path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._connections: list[socket.socket] = []
        self._reached = threading.Event()

    def __enter__(self) -> Silent:  # noqa: PYI034 - typing.Self came with 3.11
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (*self._connections, self._listener):
            connection.close()
        shutil.rmtree(self._folder)

    def wait(self) -> None:
        """Wait until somebody asks something."""
        assert self._reached.wait(60), "nobody asked"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._answer(connection)
            except OSError:
                return

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(1)
        self._reached.set()


class Garbage(Silent):
    """A socket where something answers that is no engine."""

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"hello":"you"}'
        )


class Registry:
    """A registry of images that refuses all of them; a context manager.

    :param status: what it refuses them with
    """

    def __init__(self, status: int) -> None:
        code = {404: "MANIFEST_UNKNOWN", 403: "DENIED"}[status]
        body = json.dumps({"errors": [{"code": code, "message": "denied" if status == 403 else "not found"}]}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_greeting = self.path == "/v2/"
                self.send_response(200 if is_greeting else status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(0 if is_greeting else len(body)))
                self.end_headers()
                if not is_greeting and self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Engines speak plain HTTP to this address.
        self.place = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Registry:  # noqa: PYI034 - typing.Self came with 3.11
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def unreadable(path: str) -> Sequence[str]:
    """Take away all permissions on a socket, and return what a command has to be prefixed with to miss them."""
    os.chmod(path, 0)
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("whoever is root needs setpriv to be refused anything")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

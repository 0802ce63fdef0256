"""A server that answers as an engine would what a test wants it to, at a socket or at a port."""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, TypeAlias

# A status and what is answered, or what takes over the connection.
Answer: TypeAlias = tuple[int, Any] | Callable[["Handler"], None]

DOCKER = {
    "Version": "20.10.24",
    "ApiVersion": "1.41",
    "Components": [{"Name": "Engine"}, {"Name": "containerd"}, {"Name": "runc"}, {"Name": "docker-init"}],
}
PODMAN = {"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}, {"Name": "Conmon"}]}
UPGRADED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or "null")
        path = re.sub(r"^/v1\.\d+", "", self.path.partition("?")[0])
        self.server.requests.append((self.command, path, body))
        found = self.server.answers.get(f"{self.command} {path}", (404, {"message": f"no {path}"}))
        found = found.pop(0) if isinstance(found, list) else found
        if callable(found):
            self.close_connection = True
            found(self)
            return
        self.reply(*found)

    def reply(self, status: int, body: object) -> None:
        """Send a whole answer."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """An engine.

    :param answers: by method and path, without the API's version; a list for one after the other
    :param requests: what was asked: the method, the path and the body
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(
        self, address: Any, facts: dict[str, Any], tls: ssl.SSLContext | None, handler: type[Handler] = Handler
    ) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {"GET /version": (200, facts), "GET /_ping": (200, "OK")}
        self.requests: list[tuple[str, str, Any]] = []
        self._tls = tls
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as secured:
            try:
                secured.do_handshake()
            except OSError:
                # What the client has sent meanwhile would take away from it what it is told.
                time.sleep(0.2)
            else:
                super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing."""


class SocketServer(Server):
    """An engine at a socket."""

    address_family = socketserver.UnixStreamServer.address_family


@contextlib.contextmanager
def fake_engine(
    socket: Path | None = None,
    *,
    facts: dict[str, Any] = DOCKER,
    tls: ssl.SSLContext | None = None,
    handler: type[Handler] = Handler,
) -> Iterator[Server]:
    """Run an engine for the length of a `with` block, at a port without a socket."""
    kind, address = (SocketServer, str(socket)) if socket else (Server, ("127.0.0.1", 0))
    server = kind(address, facts, tls, handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tls_server(certificates: Path, *, needs_client: bool = True) -> ssl.SSLContext:
    """Return what a server with certificates speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    if needs_client:
        context.load_verify_locations(certificates / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context

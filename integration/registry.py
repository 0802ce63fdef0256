"""A registry of images, which is Debian's `docker-registry`, with tiny images, and a front of it that misbehaves."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import select
import shutil
import socket
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Literal, TypeAlias

PROGRAM: Final = "docker-registry"
DISTRIBUTION: Final = "application/vnd.docker.distribution.manifest"
LAYER_BYTES: Final = 2_000_000
LOGIN: Final = base64.b64encode(b"user:secret").decode()
# A number is an HTTP status, for all that is asked; `login` is for those who know LOGIN.
Mood: TypeAlias = Literal["well", "slow", "hang", "stall in layers", "close", "login", 401, 403, 404, 429, 500, 503]


class Registry:
    """A registry with its content in a folder.

    :param address: host and port
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def push(self, name: str, tag: str = "latest", architecture: str = "amd64", layers: int = 2) -> str:
        """Make an image whose layers no other image has, and return its digest."""
        contents = [_layer(f"layer{number}") for number in range(layers)]
        config = json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [_digest(one) for one in contents]},
            }
        ).encode()
        blobs = [gzip.compress(one) for one in contents]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{DISTRIBUTION}.v2+json",
                "config": self._blob(name, config, "application/vnd.docker.container.image.v1+json"),
                "layers": [self._blob(name, one, "application/vnd.docker.image.rootfs.diff.tar.gzip") for one in blobs],
            }
        ).encode()
        self._ask("PUT", f"/v2/{name}/manifests/{tag}", manifest, f"{DISTRIBUTION}.v2+json")
        return _digest(manifest)

    def _blob(self, name: str, content: bytes, media_type: str) -> dict[str, object]:
        place = self._ask("POST", f"/v2/{name}/blobs/uploads/")["Location"]
        digest = _digest(content)
        self._ask("PUT", f"{place.partition(self.address)[2]}&digest={digest}", content, "application/octet-stream")
        return {"mediaType": media_type, "size": len(content), "digest": digest}

    def _ask(self, method: str, path: str, content: bytes = b"", media_type: str = "text/plain") -> Mapping[str, str]:
        url = f"http://{self.address}{path}"
        request = urllib.request.Request(url, content, {"Content-Type": media_type}, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(answer.headers)


class Front:
    """What engines ask instead of the registry, which answers as its mood is.

    :param moods: of the pulls to come, one for each; the last one stays
    """

    def __init__(self, behind: Registry, address: str) -> None:
        self.address = address
        self.behind = behind
        self.moods: list[Mood] = ["well"]
        self.asked: list[str] = []
        # The connections on which somebody waits for an answer that never comes.
        self.waiting = 0
        self.is_closed = threading.Event()

    def mood(self, path: str) -> Mood:
        """Take notice of a request, and return how to answer it."""
        # A pull begins with asking for the version.
        if path == "/v2/" and "/v2/" in self.asked and len(self.moods) > 1:
            del self.moods[0]
        self.asked.append(path)
        return self.moods[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        mood = self.front.mood(self.path)
        if isinstance(mood, int):
            self._refuse(mood)
        elif mood == "login" and self.headers.get("Authorization") != f"Basic {LOGIN}":
            self._refuse(401)
        elif mood == "close":
            self.close_connection = True
        elif mood == "hang":
            self._hang()
        else:
            self._hand_on(mood if "/blobs/" in self.path else "well")

    do_HEAD = do_GET  # noqa: N815 - the name that the server looks for

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hang(self) -> None:
        self.front.waiting += 1
        # Nobody says more on this connection, but it may close.
        while not self.front.is_closed.is_set() and not select.select([self.connection], [], [], 0.05)[0]:
            pass
        self.front.waiting -= 1
        self.close_connection = True

    def _hand_on(self, mood: Mood) -> None:
        # Engines say in a header of its own for each kind of manifest that they accept it.
        wanted = {name: ", ".join(self.headers.get_all(name) or ()) for name in ("Accept", "Range")}
        wanted = {name: text for name, text in wanted.items() if text}
        url = f"http://{self.front.behind.address}{self.path}"
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=wanted, method=self.command))
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Length", "Docker-Content-Digest"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            while piece := answer.read(LAYER_BYTES // 10):
                self.wfile.write(piece)
                if mood == "stall in layers":
                    return self._hang()
                time.sleep(0.12 if mood == "slow" else 0)
        return None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Run a registry for the length of a `with` block."""
    program = shutil.which(PROGRAM)
    assert program is not None, f"{PROGRAM} is missing: apt-get install {PROGRAM}"
    address = f"127.0.0.1:{_free_port()}"
    config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(folder)}}, "http": {"addr": address}}
    path = folder / "config.yml"
    path.write_text(json.dumps({**config, "log": {"level": "error"}}))
    with subprocess.Popen([program, "serve", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(address)
            yield Registry(address)
        finally:
            process.kill()


@contextlib.contextmanager
def in_front_of(registry: Registry) -> Iterator[Front]:
    """Run a front of a registry for the length of a `with` block."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    handler.front = front = Front(registry, f"127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield front
    finally:
        # An engine waits for an answer however long it takes.
        front.is_closed.set()
        server.shutdown()
        server.server_close()


def _layer(name: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = LAYER_BYTES
        archive.addfile(member, io.BytesIO(os.urandom(LAYER_BYTES)))
    return packed.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(address: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=5).close()
        except OSError:
            assert time.monotonic() < end, f"nothing answers at {address}"
            time.sleep(0.05)
        else:
            return

"""A container engine as far as its images go: the server of `engines` that speaks that part of Docker's API."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import docker
from engines import Handler, fake_engine

from headless_wheel_builder.isolation.docker.engine import Engine

Say: TypeAlias = Callable[[object], None]


@dataclass
class FakeEngine:
    """What it has, what it was asked, and how it answers each request to pull: the last answer again and again."""

    images: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Callable[[Say], object]] = field(default_factory=list)
    pulls: list[dict[str, str]] = field(default_factory=list)
    # Set when the client has closed the connection that it was to get a message over.
    left: threading.Event = field(default_factory=threading.Event)

    def has(self, name: str, architecture: str = "amd64", *, id: str = "sha256:" + "a" * 64, **facts: Any) -> None:  # noqa: A002
        self.images.append(
            {"Id": id, "RepoTags": [name], "Os": "linux", "Architecture": architecture, "RepoDigests": [], **facts}
        )

    def find(self, name: str) -> dict[str, Any] | None:
        bare = name.removeprefix("sha256:")
        for image in self.images:
            is_id = len(bare) >= 12 and image["Id"].removeprefix("sha256:").startswith(bare)
            if is_id or name in image["RepoTags"] or name in image["RepoDigests"]:
                return image
        return None


def status(code: int, message: str) -> Callable[[Say], object]:
    """Answer with an HTTP error before anything else."""
    return lambda _: (code, message)


def messages(*them: object) -> Callable[[Say], object]:
    """Answer with messages in the stream."""

    def answer(say: Say) -> None:
        for message in them:
            say(message)

    return answer


def hang(*before: object) -> Callable[[Say], object]:
    """Say something, and then nothing for ever; without anything to say, not even headers."""

    def answer(say: Say) -> str:
        for message in before:
            say(message)
        return "hang"

    return answer


def cut(*before: object) -> Callable[[Say], object]:
    """Say something, and break off in the middle of the stream."""

    def answer(say: Say) -> str:
        for message in before:
            say(message)
        return "cut"

    return answer


class _Handler(Handler):
    engine: FakeEngine

    def look(self) -> None:
        path = unquote(urlsplit(self.path).path).removeprefix("/v1.41")
        if path == "/images/json":
            self.reply(200, self.engine.images)
        elif " " in path:
            self.reply(400, {"message": "no such image: invalid reference format"})
        elif image := self.engine.find(path.removeprefix("/images/").removesuffix("/json")):
            self.reply(200, image)
        else:
            self.reply(404, {"message": "No such image"})

    def pull(self) -> None:
        engine = self.engine
        engine.pulls.append({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
        answer = engine.answers[min(len(engine.pulls), len(engine.answers)) - 1]
        self._begun = False
        outcome = answer(self._say)
        if isinstance(outcome, tuple):
            self.reply(outcome[0], {"message": outcome[1]})
        elif outcome == "hang":
            self._wait_for_the_end()
        elif outcome == "cut":
            self.close_connection = True
        else:
            self._begin()
            self.wfile.write(b"0\r\n\r\n")

    do_GET, do_POST = look, pull  # noqa: N815 - the names that the base class looks for

    def _wait_for_the_end(self) -> None:
        self.connection.settimeout(20)
        with contextlib.suppress(OSError):
            if not self.rfile.read(1):
                self.engine.left.set()
        self.close_connection = True

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

    def _say(self, message: object) -> None:
        self._begin()
        if callable(message):
            message()
            return
        text = json.dumps(message).encode() + b"\r\n"
        self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        time.sleep(0.001)


@contextlib.contextmanager
def served(fake: FakeEngine) -> Iterator[Engine]:
    """Serve a fake, and return the connection to it."""
    handler = type("Handler", (_Handler,), {"engine": fake})
    with fake_engine(handler=handler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        engine = Engine(docker.APIClient(base_url=address, version="1.41", timeout=20), address, {})
        with contextlib.closing(engine):
            yield engine

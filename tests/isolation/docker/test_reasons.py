"""What goes wrong with a connection to an engine is told in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from engines import Handler, fake_engine

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import Engine, connect

LOST = "See whether the engine runs: docker info"
OVER = threading.Event()


def _end(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def _break_off(handler: Handler) -> None:
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    handler.connection.shutdown(socket.SHUT_RDWR)


def _say_nothing(_handler: Handler) -> None:
    OVER.wait(10)


def _say_nonsense(handler: Handler) -> None:
    handler.connection.sendall(b"\0 this is no HTTP\r\n\r\n")


def _say_a_page(handler: Handler) -> None:
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        (_end, "Remote end closed connection without response."),
        (_say_nothing, "Timed out."),
        (_break_off, "The connection broke off in the middle of an answer."),
        (_say_nonsense, "What answers there is no engine."),
        (_say_a_page, "What answers there is no engine."),
    ],
)
def test_a_connection_that_breaks_is_told_without_code(
    tmp_path: Path, act: Callable[[Handler], None], cause: str
) -> None:
    with fake_engine(tmp_path / "d.sock") as server:
        server.answers["GET /info"] = act
        engine = connect(Endpoint(f"unix://{tmp_path}/d.sock"), 1.0)
        with pytest.raises(IsolationError) as caught:
            _ask(engine)
        OVER.set()
        engine.close()
        OVER.clear()
    assert (caught.value.cause, caught.value.hint) == (cause, LOST)


def _ask(engine: Engine) -> None:
    with engine.doing("It could not be asked"):
        engine.api.info()

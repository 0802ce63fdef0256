"""A program that is started before there is anything for it to do answers one frame, or nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import APIError
from fake_engine import FakeApi, engine
from support import wait_for

from headless_wheel_builder.isolation.docker.ahead import Ahead


class Programs(FakeApi):
    """An engine where programs can be started beside what runs; the test has their other ends."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[tuple[str, list[str], dict[str, str]]] = []
        self.ends: list[socket.socket] = []
        self.refuses = False

    def exec_create(self, one: str, argv: list[str], *, stdin: bool, environment: dict[str, str]) -> dict[str, str]:  # type: ignore[override]
        assert stdin
        if self.refuses:
            raise APIError("no such container")
        self.started.append((one, argv, environment))
        return {"Id": "exec"}

    def exec_start(self, one: str, *, socket: bool) -> Any:  # type: ignore[override]
        assert (one, socket) == ("exec", True)
        return self._pair()

    def answer(self, answer: object) -> None:
        """Have the program that was started last answer."""
        body = json.dumps(answer).encode()
        content = len(body).to_bytes(4, "big") + body
        self.ends[-1].sendall(b"\x01\0\0\0" + len(content).to_bytes(4, "big") + content)

    def question(self) -> object:
        """Return what it was asked."""
        length = int.from_bytes(self.ends[-1].recv(4), "big")
        return json.loads(self.ends[-1].recv(length)) if length else None

    def _pair(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.ends.append(ours)
        return theirs


@pytest.fixture
def programs() -> Iterator[Programs]:
    programs = Programs()
    yield programs
    for end in programs.ends:
        end.close()


@pytest.fixture
def ahead(programs: Programs) -> Iterator[Ahead]:
    ahead = Ahead(engine(programs), "container", ("python", "program.py"), {"A": "b"})
    yield ahead
    ahead.close()


def test_it_answers_what_it_is_asked_when_there_is_something_to_ask(programs: Programs, ahead: Ahead) -> None:
    ahead.start()
    wait_for(lambda: programs.ends)
    programs.answer({"outcome": "pure"})
    assert ahead.ask({"wheel": "a.whl"}) == {"outcome": "pure"}
    assert programs.question() == {"wheel": "a.whl"}
    assert programs.started == [("container", ["python", "program.py"], {"A": "b"})]


def test_one_that_was_not_started_answers_nothing(programs: Programs, ahead: Ahead) -> None:
    assert ahead.ask({"wheel": "a.whl"}) is None
    assert programs.started == []


def test_one_that_cannot_be_started_answers_nothing(programs: Programs, ahead: Ahead) -> None:
    programs.refuses = True
    ahead.start()
    assert ahead.ask({"wheel": "a.whl"}) is None


def test_one_that_has_gone_answers_nothing(programs: Programs, ahead: Ahead) -> None:
    ahead.start()
    wait_for(lambda: programs.ends)
    programs.ends[-1].close()
    assert ahead.ask({"wheel": "a.whl"}) is None


def test_it_is_started_once(programs: Programs, ahead: Ahead) -> None:
    ahead.start()
    ahead.start()
    wait_for(lambda: programs.ends)
    ahead.close()
    assert len(programs.started) == len(programs.ends) == 1
    assert programs.question() is None


def test_whoever_waits_until_it_is_ready_can_ask_afterwards(programs: Programs, ahead: Ahead) -> None:
    ahead.start()
    wait_for(lambda: programs.ends)
    programs.answer({})
    ahead.get_ready()
    assert programs.question() == {}
    programs.answer({"outcome": "pure"})
    assert ahead.ask({"wheel": "a.whl"}) == {"outcome": "pure"}


def test_nobody_waits_for_one_that_was_not_started_or_is_gone(programs: Programs, ahead: Ahead) -> None:
    ahead.get_ready()
    ahead.start()
    wait_for(lambda: programs.ends)
    programs.ends[-1].close()
    ahead.get_ready()

"""Frames and what is printed come over one connection, in pieces of any size."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker.attachment import Attachment

MARK = b"0123456789abcdef"


class Engine:
    """The other end."""

    def __init__(self) -> None:
        self.socket, ours = socket.socketpair()
        self.attachment = Attachment(ours, MARK)
        self.printed = bytearray()

    def write(self, stream: int, content: bytes) -> None:
        self.socket.sendall(bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content)

    def frame(self, frame: Frame) -> bytes:
        body = json.dumps(frame).encode()
        return len(body).to_bytes(4, "big") + body

    def receive(self) -> Frame | None:
        return self.attachment.receive(self.printed.extend)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.attachment.close()
    made.socket.close()


def test_a_frame_arrives_in_any_pieces(engine: Engine) -> None:
    content = engine.frame({"started": 1}) + engine.frame({"ended": 0})
    for byte in content:
        engine.write(1, bytes([byte]))
    assert [engine.receive(), engine.receive()] == [{"started": 1}, {"ended": 0}]


def test_what_is_printed_is_handed_on_up_to_the_mark_wherever_it_is_split(engine: Engine) -> None:
    for split in range(len(MARK) + 1):
        engine.printed.clear()
        content = b"a0123 text" + MARK
        cut = len(content) - len(MARK) + split
        engine.write(2, content[:cut])
        engine.write(1, engine.frame({"ended": 0}))
        engine.write(2, content[cut:] + b"later")
        assert engine.receive() == {"ended": 0}
        engine.attachment.finish(engine.printed.extend)
        assert engine.printed == b"a0123 text"
        engine.write(1, engine.frame({"next": 1}))
        assert engine.receive() == {"next": 1}
        assert engine.printed == b"a0123 textlater"


def test_a_connection_that_ends_is_no_frame_and_loses_nothing(engine: Engine) -> None:
    engine.write(2, b"last words 0123")
    engine.socket.close()
    assert engine.receive() is None
    assert engine.printed == b"last words 0123"
    engine.attachment.send({"run": []})
    assert engine.receive() is None


def test_a_piece_that_breaks_off_is_no_frame(engine: Engine) -> None:
    engine.socket.sendall(b"\1\0\0\0\0\0\0\x09abc")
    engine.socket.close()
    assert engine.receive() is None


def test_a_piece_that_promises_gigabytes_is_handed_on_as_it_comes(engine: Engine) -> None:
    engine.socket.sendall(b"\2\0\0\0\xff\xff\xff\xff")
    threading.Thread(target=lambda: (engine.socket.sendall(b"x" * 1_500_000), engine.socket.close())).start()
    assert engine.receive() is None
    assert len(engine.printed) >= 1_000_000


def test_frames_that_nobody_asked_for_do_not_fill_the_memory(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headless_wheel_builder.isolation.docker.attachment.LONGEST_FRAME", 1000)
    for _ in range(10):
        engine.write(1, bytes(500))
    engine.attachment.finish(None)
    engine.write(2, MARK)
    assert engine.attachment.last_words == b""


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_what_is_no_frame_ends_the_conversation(engine: Engine, body: bytes) -> None:
    engine.write(1, len(body).to_bytes(4, "big") + body)
    assert engine.receive() is None


def test_an_end_from_another_thread_wakes_whoever_waits(engine: Engine) -> None:
    engine.attachment.end()
    assert engine.receive() is None


@pytest.mark.parametrize("answers", [[False], [True, True, False]])
def test_an_engine_that_says_nothing_any_more_and_does_not_answer_is_gone(answers: list[bool]) -> None:
    asked = iter(answers)
    theirs, ours = socket.socketpair()
    attachment = Attachment(ours, MARK, lambda: next(asked), patience=0.01)
    with theirs, contextlib.closing(attachment):
        assert attachment.receive(None) is None
        assert list(asked) == []


def test_a_hook_may_say_nothing_for_as_long_as_the_engine_answers() -> None:
    theirs, ours = socket.socketpair()
    asked: list[int] = []

    def is_there() -> bool:
        asked.append(len(asked))
        if len(asked) == 3:
            body = b'{"ended": 0}'
            frame = len(body).to_bytes(4, "big") + body
            theirs.sendall(b"\1\0\0\0" + len(frame).to_bytes(4, "big") + frame)
        return True

    attachment = Attachment(ours, MARK, is_there, patience=0.01)
    with theirs, contextlib.closing(attachment):
        assert attachment.receive(None) == {"ended": 0}
        assert len(asked) >= 3

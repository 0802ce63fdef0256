"""What comes through the channel between the frontend and a host when a backend has found it, or the engine is none."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Sequence
from typing import IO
from unittest import mock

from hostile.answers import VALUES
from hostile.properties import REFUSALS
from hypothesis import strategies as st

from headless_wheel_builder.hooks.channel import Channel, Frame
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.hooks.inside.channel import Channel as HostChannel
from headless_wheel_builder.hooks.link import ProcessLink
from headless_wheel_builder.isolation.docker.attachment import Attachment
from headless_wheel_builder.process import Group

# What fits into a pipe that nobody has read from yet.
MOST_BYTES = 60_000
MARK = b"0123456789abcdef"
ASKED = "/asked/output.json"

NUMBERS = st.one_of(
    st.sampled_from([0, 1, -9, 2**31, -(2**63), 10**400, True, 1.5, "1", None]), st.integers(2, 2**31 - 1)
)
FILES = st.one_of(
    VALUES,
    st.dictionaries(st.sampled_from([ASKED, "/etc/passwd", "", "\ud800"]), st.one_of(st.text(max_size=5), VALUES)),
)
GOOD = st.one_of(
    st.just({"ready": True}),
    st.builds(lambda number: {"started": number}, NUMBERS),
    st.builds(lambda number, files: {"ended": number, "files": files}, NUMBERS, FILES),
    st.builds(lambda number: {"ended": number}, NUMBERS),
    st.builds(lambda text: {"unsafe": text}, VALUES),
)
KEYS = st.sampled_from(["ready", "started", "ended", "files", "unsafe", "gone", "mark", "x"])
FRAMES = st.one_of(GOOD, GOOD, st.dictionaries(KEYS, VALUES, max_size=4), VALUES)
BODIES = st.one_of(
    FRAMES.map(lambda frame: json.dumps(frame).encode()), st.sampled_from([b"", b"{", b"[" * 20_000, b"\xff", b"NaN"])
)
SENT = st.one_of(
    BODIES.map(lambda body: len(body).to_bytes(4, "big") + body),
    BODIES.map(lambda body: len(body).to_bytes(4, "big") + body),
    st.binary(max_size=12),
)
READY = b'\0\0\0\x0f{"ready": true}'
# What is sent, and whether somebody keeps the channel open after that.
SPEECHES = st.tuples(
    st.builds(lambda first, sent: first + b"".join(sent), st.sampled_from([READY, b""]), st.lists(SENT, max_size=5)),
    st.booleans(),
)  # fmt: skip


class Ended:
    """A host that is no more; nobody may look for its process, whose id was never one."""

    pid = 2**22 + 1
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None
    returncode: int | None = 0

    def wait(self) -> int:
        return 0

    def kill(self) -> None:
        """Do nothing."""


class HarmlessLink(ProcessLink):
    """A link that ends nobody: ids of hooks come from who is hostile."""

    def kill_hook(self, hook: int) -> None:
        assert hook == 0 or 1 < hook < 2**31


def survive_speech(speech: tuple[bytes, bool]) -> None:
    """Hear it as a frontend that runs two hooks, and as a host."""
    content, is_held = speech[0][:MOST_BYTES], speech[1]
    channel = Channel()
    os.write(channel.theirs[1], content)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch("headless_wheel_builder.hooks.channel.PERIOD", 1))
        stack.enter_context(mock.patch("headless_wheel_builder.hooks.link.END_SECONDS", 0.002))
        if is_held:
            stack.callback(os.close, os.dup(channel.theirs[1]))
        channel.give()
        talk = Conversation(HarmlessLink(Group(Ended()), channel))
        stack.callback(talk.close)
        try:
            for _ in range(2):
                _check_ended(talk.run({"run": ["python", "x"], "read": [ASKED]}, None))
        except UnsafeError:
            REFUSALS.append("UnsafeError run")
    _hear_as_host(content)


def _check_ended(ended: Frame) -> None:
    assert type(ended["ended"]) is int
    assert ended.keys() <= {"ended", "files", "gone"}
    REFUSALS.extend(["gone run"] * ("gone" in ended))
    assert ended.get("files", {}).keys() <= {ASKED}
    assert all(isinstance(text, str) for text in ended.get("files", {}).values())


def _hear_as_host(content: bytes) -> None:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    host = HostChannel(reader, os.open(os.devnull, os.O_WRONLY))
    for _ in range(len(content) + 1):
        if host.read() is None:
            break
    else:
        raise AssertionError("frames out of nothing")
    host.close()


# What an engine sends over the connection to a container: a stream, a length, which may be another than that of what
# follows, and content.
PIECES = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 2, 0, 3, 255]),
        st.one_of(st.none(), st.none(), st.none(), st.sampled_from([0, 1, 70_000, 2**32 - 1])),
        st.one_of(SENT, st.binary(max_size=9), st.sampled_from([MARK, MARK[:7], b"printed"])),
    ),
    max_size=8,
)


def survive_pieces(pieces: Sequence[tuple[int, int | None, bytes]]) -> None:
    """Hear what an engine sends as whoever runs hooks in a container does."""
    ours, theirs = socket.socketpair()
    printed = bytearray()
    attachment = Attachment(ours, MARK)
    with theirs:
        for stream, length, content in pieces:
            size = len(content) if length is None else length
            theirs.sendall(bytes([stream, 0, 0, 0]) + size.to_bytes(4, "big") + content)
    for _ in range(sum(len(content) for *_, content in pieces) + 1):
        if attachment.receive(printed.extend) is None:
            break
    attachment.finish(printed.extend)
    attachment.close()
    assert len(printed) <= sum(8 + len(content) for *_, content in pieces)

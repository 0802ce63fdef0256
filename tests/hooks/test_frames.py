"""A backend that finds the channel of its host can say anything there."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from unittest import mock

import pytest
from hostile.frames import Ended, HarmlessLink

from headless_wheel_builder.hooks.channel import Channel, Frame
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.hooks.frames import expected, module_names
from headless_wheel_builder.hooks.inside.channel import Channel as HostChannel
from headless_wheel_builder.process import Group

READY: Frame = {"ready": True}


class Speaker:
    """Whoever speaks in the place of a host that is gone, and keeps the channel open."""

    def __init__(self) -> None:
        self._channel = Channel()
        self._writer = os.dup(self._channel.theirs[1])
        self._channel.give()
        self.link = HarmlessLink(Group(Ended()), self._channel)
        self.talk = Conversation(self.link)

    def say(self, *frames: object) -> None:
        for frame in frames:
            body = json.dumps(frame).encode()
            os.write(self._writer, len(body).to_bytes(4, "big") + body)

    def write(self, content: bytes) -> None:
        os.write(self._writer, content)

    def run(self, *read: str) -> Frame:
        return self.talk.run({"run": ["python", "x"], "read": [*read]}, None)

    def close(self) -> None:
        self.talk.close()
        os.close(self._writer)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with (
        mock.patch("headless_wheel_builder.hooks.channel.PERIOD", 1),
        mock.patch("headless_wheel_builder.hooks.link.END_SECONDS", 0.01),
    ):
        made = Speaker()
        yield made
        made.close()


@pytest.mark.parametrize(
    "frame",
    [
        {"ended": "0"}, {"ended": True}, {"ended": 10**30}, {"ended": 0.0}, {"ended": 0, "files": []}, {"x": 1}, {},
        {"ended": 0, "files": {"a": 1}}, {"ended": 0, "gone": True}, {"started": 2, "ended": 0},
    ],
)  # fmt: skip
def test_what_no_host_says_of_the_end_of_a_hook_is_a_killed_host(speaker: Speaker, frame: Frame) -> None:
    speaker.say(READY, {"started": 1000}, frame)
    assert speaker.run() == {"ended": -signal.SIGKILL, "gone": True}


@pytest.mark.parametrize("started", [0, 1, -1, True, "1000", None, 2**31, 10**30])
def test_what_is_no_process_is_not_taken_for_the_hooks(speaker: Speaker, started: object) -> None:
    speaker.say(READY, {"started": started})
    with pytest.raises(UnsafeError):
        speaker.run()


def test_frames_without_end_do_not_keep_anybody_waiting(speaker: Speaker) -> None:
    speaker.say(READY, {"started": 1000}, *[{"started": 1000}] * 100)
    assert "gone" in speaker.run()


@pytest.mark.parametrize("rest", [b"", b"\0", b"\0\0\0\x09{"])
def test_a_channel_that_somebody_keeps_open_is_at_its_end_when_the_host_is_gone(speaker: Speaker, rest: bytes) -> None:
    speaker.say(READY, {"started": 1000})
    speaker.write(rest)
    assert "gone" in speaker.run()


def test_files_that_were_not_asked_for_are_not_taken(speaker: Speaker) -> None:
    speaker.say(READY, {"started": 1000}, {"ended": 0, "files": {"/asked": "a", "/other": "b"}})
    assert speaker.run("/asked") == {"ended": 0, "files": {"/asked": "a"}}


def test_our_own_process_group_is_never_taken_for_a_hooks() -> None:
    channel = Channel()
    channel.give()
    with mock.patch.object(os, "killpg") as killpg:
        super(HarmlessLink, HarmlessLink(Group(Ended()), channel)).kill_hook(os.getpgrp())
    assert killpg.mock_calls == []
    channel.close()


def test_each_kind_of_frame_is_known() -> None:
    for frame in (READY, {"unsafe": "why"}, {"started": 2}, {"ended": -9}, {"ended": 0, "files": {"a": "b"}}):
        assert expected(frame, "ready", "unsafe", "started", "ended") is frame
    assert expected(READY, "started") is None
    assert expected(None, "ready") is None


@pytest.mark.parametrize(
    "text", ["", "{", "1", '{"a": 1}', "[1]", '["a b"]', '["a", "..b"]', '[""]', "[" * 200_000, '["a;import os"]']
)
def test_what_are_no_names_of_modules_is_not_learnt(text: str) -> None:
    assert module_names(text) == []


def test_names_of_modules_are_learnt() -> None:
    assert module_names('["a", "a.b_c"]') == ["a", "a.b_c"]


def test_a_host_reserves_no_memory_for_a_frame_that_only_says_that_it_is_huge() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"\xff\xff\xff\xff")
    os.close(writer)
    host = HostChannel(reader, os.open(os.devnull, os.O_WRONLY))
    with mock.patch.object(os, "read", wraps=os.read) as read:
        assert host.read() is None
    host.close()
    assert max(call.args[1] for call in read.call_args_list) <= 65536

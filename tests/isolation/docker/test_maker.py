"""Of a container it is known whether whoever made it is still there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from headless_wheel_builder.isolation.docker import maker
from headless_wheel_builder.isolation.docker.maker import is_there, mark

MARK = mark()
CODE = "from headless_wheel_builder.isolation.docker.maker import mark; print(mark(), flush=True); input()"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")


def test_a_process_is_gone_when_it_has_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        theirs = one.stdout.readline().strip()
        assert is_there(theirs)
        one.kill()
        # Nobody has waited for it: that may take its parent for ever.
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        assert is_there(theirs) is False
        one.wait()
        assert is_there(theirs) is False


def test_this_one_is_there() -> None:
    assert is_there(mark())


def test_another_with_the_same_number_is_not_the_one() -> None:
    assert is_there(mark().rpartition(":")[0] + ":1") is False


def test_one_that_proc_does_not_show_is_there_as_long_as_it_can_be_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with hidepid, for those of other users."""
    monkeypatch.setattr(maker, "start_ticks", lambda _: None)
    place = MARK.rsplit(":", 2)[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as one:
        assert is_there(f"{place}:{one.pid}:1")
        one.kill()
    assert is_there(f"{place}:{one.pid}:1") is False
    assert is_there(f"{place}:1:1"), "whoever it belongs to"
    assert is_there(f"{place}:{2**70}:1") is False


@pytest.mark.parametrize("text", ["", "x", "::", "1:2:3:4", "00000000:1:1:1", "-:-:-:-"])
def test_of_others_it_is_not_known(text: str) -> None:
    assert is_there(text) is None

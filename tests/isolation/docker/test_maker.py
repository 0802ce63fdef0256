"""Of a container it is known whether whoever made it is still there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headless_wheel_builder.isolation.docker.maker import is_gone, mark

CODE = "from headless_wheel_builder.isolation.docker.maker import mark; print(mark(), flush=True); input()"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")


def test_a_process_is_gone_when_it_has_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        theirs = one.stdout.readline().strip()
        assert not is_gone(theirs)
        one.kill()
        one.wait()
        assert is_gone(theirs)


def test_this_one_is_there() -> None:
    assert not is_gone(mark())


def test_another_with_the_same_number_is_not_the_one() -> None:
    assert is_gone(mark().rpartition(":")[0] + ":1")


@pytest.mark.parametrize("text", ["", "x", "::", "1:2:3:4", "00000000:1:1:1", "-:-:-:-"])
def test_of_others_it_is_not_known(text: str) -> None:
    assert not is_gone(text)

"""What is read of /proc/PID/stat."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from headless_wheel_builder.process_status import is_zombie, start_ticks

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")


def test_a_process_that_nobody_waited_for_is_a_zombie_whatever_its_name() -> None:
    code = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b') Z 1 2', 0, 0, 0); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert not is_zombie(process.pid)
        assert start_ticks(process.pid) is not None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_zombie(process.pid)
    assert not is_zombie(process.pid)
    assert start_ticks(process.pid) is None


def test_this_process_began_before_its_children() -> None:
    with subprocess.Popen(["/bin/sleep", "9"]) as child:
        mine, theirs = start_ticks(), start_ticks(child.pid)
        child.kill()
    assert mine is not None
    assert theirs is not None
    assert mine <= theirs

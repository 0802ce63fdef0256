"""Programs of 32 bits are told of a machine of 32 bits."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.resources import files

import pytest

PERSONALITY = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/personality.py"))
TELL = "import os; print(os.uname().machine, os.environ.get('_PYTHON_HOST_PLATFORM'))"


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="a machine of 64 bits that knows one of 32"
)
def test_what_follows_is_told_of_an_i686_and_gets_its_arguments() -> None:
    argv = [sys.executable, PERSONALITY, sys.executable, "-c", TELL]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "i686 None\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has them")
def test_the_process_stays_the_same_and_its_exit_code_too() -> None:
    argv = [sys.executable, PERSONALITY, sys.executable, "-c", "import os; print(os.getpid()); raise SystemExit(3)"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert process.communicate()[0].decode() == f"{process.pid}\n"
    assert process.returncode == 3

"""A program of ours becomes another."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from support import make_script

EXECUTE = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/execute.py"))


def execute(*argv: str, path: Path | str = os.defpath) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.fspath(path)}
    return subprocess.run([sys.executable, EXECUTE, *argv], env=environ, capture_output=True, text=True, check=False)


def test_a_program_is_found_as_a_shell_would_and_gets_its_arguments(tmp_path: Path) -> None:
    make_script(tmp_path / "own", 'echo "$# $1 $2"; exit 7')
    done = execute("own", "a b", "", path=tmp_path)
    assert (done.returncode, done.stdout) == (7, "2 a b \n")


def test_it_is_the_same_process(tmp_path: Path) -> None:
    make_script(tmp_path / "own", "echo $$")
    process = subprocess.Popen([sys.executable, EXECUTE, str(tmp_path / "own")], stdout=subprocess.PIPE)
    assert process.communicate()[0].decode() == f"{process.pid}\n"


def test_a_program_that_is_not_there_is_an_exit_code_as_a_shell_has_it(tmp_path: Path) -> None:
    done = execute("own", path=tmp_path)
    assert (done.returncode, done.stderr) == (127, "own cannot be run: No such file or directory\n")

"""Start programs, measured or not, and leave none behind."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")))
PATIENCE = 10.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)
STREAMS = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


class BenchmarkError(Exception):
    """The benchmark cannot go on."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long a command took, and the peak resident memory of the biggest of its processes in bytes."""

    seconds: float
    peak: int


def output_of(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Run a program that has to succeed, and return what it prints to stdout."""
    process = None
    try:
        with held():
            process = subprocess.Popen(argv, env=env, cwd=cwd, text=True, start_new_session=True, **STREAMS)
        stdout, stderr = process.communicate()
    except BaseException:
        if process is not None:
            end(process)
        raise
    if process.returncode:
        raise BenchmarkError(f"{' '.join(argv)}\nended with exit code {process.returncode}:\n{stdout}{stderr}")
    return stdout


def timed(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Timing:
    """Run a program that has to succeed, and say what it took; its output goes to a file."""
    seconds, peak, exit_code = output_of([*LAUNCHER, str(log), *argv], env=env, cwd=cwd).split()
    if exit_code != "0":
        raise BenchmarkError(f"{' '.join(argv)}\nended with exit code {exit_code}:\n{log.read_text(errors='replace')}")
    return Timing(float(seconds), int(peak))


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold signals back where they would leave something behind: a program that has just started, half a folder."""
    arrived: list[int] = []
    before = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if arrived:
        raise KeyboardInterrupt


def end(process: subprocess.Popen[str]) -> None:
    """Let a program and what it started clean up, but not for long."""
    with held(), contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=PATIENCE)
        os.killpg(process.pid, signal.SIGKILL)

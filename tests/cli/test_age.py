from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headless_wheel_builder import process_status
from headless_wheel_builder.cli.age import process_age


def stat(folder: Path, seconds: float) -> str:
    """Write what the system says of this process if it is so old, and its name a hostile one; return where."""
    ticks = int((time.clock_gettime(time.CLOCK_BOOTTIME) - seconds) * os.sysconf("SC_CLK_TCK"))
    file = folder / "self" / "stat"
    file.parent.mkdir()
    file.write_bytes(b"7 (a) b \xff) S " + b"1 " * 18 + str(ticks).encode() + b" 1 1\n")
    return os.fspath(folder)


def test_the_start_of_the_interpreter_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_status, "_PROC", stat(tmp_path, 1.5))
    assert process_age(time.perf_counter() - 0.5) == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize("seconds", [0.1, 600.0, -5.0])
def test_an_age_that_cannot_be_that_of_an_interpreter_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(process_status, "_PROC", stat(tmp_path, seconds))
    assert process_age(time.perf_counter() - 0.5) == pytest.approx(0.5, abs=0.09)


@pytest.mark.parametrize("content", [None, b"", b"7 (python) S 1 2", b"7 (python) S" + b" x" * 40])
def test_without_the_system_the_first_line_of_ours_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "self").mkdir()
        (tmp_path / "self" / "stat").write_bytes(content)
    monkeypatch.setattr(process_status, "_PROC", os.fspath(tmp_path))
    assert process_age(time.perf_counter() - 0.5) == pytest.approx(0.5, abs=0.09)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says when a process started")
def test_a_process_is_older_than_its_first_line() -> None:
    code = (
        "import time; imported = time.perf_counter()\n"
        "from headless_wheel_builder.cli.age import process_age\n"
        "print(process_age(imported) - (time.perf_counter() - imported))"
    )
    began = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert 0.001 < float(answer.stdout) < time.perf_counter() - began + 0.02

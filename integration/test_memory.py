"""The frontend stays small, whatever the backend prints."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import projects
import pytest
from frontends import environment
from peaks import peak_kilobytes

LIMIT_MEGABYTES = 60
PRINTED_MEGABYTES = 100
# Lines, one endless line, and bytes that are no text.
PRINT = {
    "lines": f"for _ in range({PRINTED_MEGABYTES * 10_000}): sys.stdout.write('x' * 99 + '\\n')",
    "one endless line": f"for _ in range({PRINTED_MEGABYTES}): sys.stdout.write('x' * 1_000_000)",
    "no text": f"for _ in range({PRINTED_MEGABYTES}): sys.stdout.buffer.write(b'\\xff' * 1_000_000)",
}


@pytest.mark.parametrize("flags", ["", "-q", "-qq", "-v", "-vv", "--metadata", "--metadata -v"])
@pytest.mark.parametrize("text", PRINT.values(), ids=PRINT.keys())
def test_the_frontend_stays_small_while_a_hundred_megabytes_are_printed(tmp_path: Path, text: str, flags: str) -> None:
    hook = "prepare_metadata_for_build_wheel" if "--metadata" in flags else "build_wheel"
    change = f"def {hook}(*args, {hook}={hook}):\n    {text}\n    sys.stdout.flush()\n    return {hook}(*args)\n"
    project = projects.silent(tmp_path, change)
    assert peak_megabytes(project, "-nx", *shlex.split(flags)) < LIMIT_MEGABYTES


@pytest.mark.parametrize("flags", ["-q", "", "--metadata"])
def test_the_frontend_stays_small_when_the_backend_fails_after_all_that(tmp_path: Path, flags: str) -> None:
    hook = "prepare_metadata_for_build_wheel" if "--metadata" in flags else "build_wheel"
    project = projects.silent(tmp_path, f"def {hook}(*args):\n    {PRINT['lines']}\n    raise RuntimeError")
    assert peak_megabytes(project, "-nx", *shlex.split(flags), exit_code=1) < LIMIT_MEGABYTES


def test_the_frontend_stays_small_in_an_isolated_build(tmp_path: Path) -> None:
    project = projects.silent(tmp_path, requires='["packaging"]')
    assert peak_megabytes(project) < LIMIT_MEGABYTES


def test_the_frontend_stays_small_with_big_artifacts(tmp_path: Path) -> None:
    change = """
        def build_wheel(folder, *args):
            name = f"{NAME}-{VERSION}-{TAG}.whl"
            write_wheel(f"{folder}/{name}", {"big": b"x" * 200_000_000})
            return name

        def build_sdist(folder, *args):
            name = f"{NAME}-{VERSION}"
            files = {f"{name}/{path.name}": path.read_bytes() for path in Path().iterdir() if path.is_file()}
            files.update({f"{name}/PKG-INFO": metadata(), f"{name}/big": b"x" * 200_000_000})
            write_sdist(f"{folder}/{name}.tar.gz", files)
            return f"{name}.tar.gz"
        """
    assert peak_megabytes(projects.silent(tmp_path, change), "-nx") < LIMIT_MEGABYTES


def test_the_frontend_stays_small_when_an_interpreter_answers_with_nonsense(tmp_path: Path) -> None:
    project = projects.silent(tmp_path)
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\nyes | head -c {PRINTED_MEGABYTES}000000\n")
    python.chmod(0o755)
    assert peak_megabytes(project, "--python", str(python), exit_code=1) < LIMIT_MEGABYTES


def peak_megabytes(project: Path, *argv: str, exit_code: int = 0) -> float:
    """Build a project and return the peak resident memory of the frontend alone, without its children.

    The kernel keeps the peak (VmHWM); what `wait4` tells would count the children, too.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "headless_wheel_builder", *argv],
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = peak_kilobytes(process.pid) or peak
        time.sleep(0.002)
    assert process.returncode == exit_code
    return peak / 1024

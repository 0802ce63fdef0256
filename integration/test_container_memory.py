"""The frontend stays small while a big tree goes into a container, and a big wheel comes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import projects
import pytest
from frontends import environment
from peaks import family, peak_kilobytes

LIMIT_MEGABYTES = 80
ENGINE = os.environ.get("HWB_TEST_ENGINE")
IMAGE = "hwb-test/manylinux_2_36_x86_64"
IN_CONTAINER = ("-w", "--isolation", "docker", "--image", IMAGE, "--python", "3.11")

pytestmark = pytest.mark.skipif(not (ENGINE or os.environ.get("CI")), reason="HWB_TEST_ENGINE names no engine")


def test_the_frontend_stays_small_with_a_big_tree_and_a_big_wheel(tmp_path: Path) -> None:
    assert ENGINE, "HWB_TEST_ENGINE has to name an engine"
    project = projects.big(tmp_path)
    assert peak_megabytes(project, ENGINE, *IN_CONTAINER) < LIMIT_MEGABYTES
    (wheel,) = (project / "dist").glob("*.whl")
    assert wheel.stat().st_size > projects.BIG_WHEEL


def peak_megabytes(project: Path, engine: str, *argv: str) -> float:
    """Build a project and return the peak resident memory of the frontend and of all that it starts here.

    It is the sum of the peaks of all processes, which may have come at different times: never too little.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "headless_wheel_builder", *argv],
        cwd=project,
        env={**environment(), "DOCKER_HOST": engine},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    peaks: dict[int, int] = {}
    while process.poll() is None:
        peaks.update({one: peak for one in family(process.pid) if (peak := peak_kilobytes(one))})
        time.sleep(0.005)
    stderr = process.communicate()[1]
    assert process.returncode == 0, stderr.decode()
    return sum(peaks.values()) / 1024

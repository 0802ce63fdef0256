"""A short soak: builds that are ended in every way, at random moments, leave nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).with_name("soak")
MINUTES = "0.3"


def test_builds_that_are_ended_at_random_moments_leave_nothing() -> None:
    # Containers have tests of their own, which take longer.
    environ = {name: text for name, text in os.environ.items() if name != "HWB_TEST_ENGINE"}
    argv = [sys.executable, SOAK, "--minutes", MINUTES, "--seed", "1"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| all " in done.stdout

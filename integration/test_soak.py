"""A short soak, and what it looks for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import projects
import pytest
from integration.soak.builds import BUILDS, Build
from integration.soak.endings import SIGHUP, Ending
from integration.soak.frontend import Frontend
from integration.soak.started import Started
from integration.soak.trial import Trial

SOAK = Path(__file__).with_name("soak")
# Of which the builds are seven different ones, SIGKILL ends one whose hooks have no host to notice it, and none has pip
# make a new environment, which takes as long as the rest.
SEED = "533"
WAITING = """
import os, time, setuptools
from setuptools.command.sdist import sdist

class Waiting(sdist):
    def make_archive(self, *args, **kwargs):
        while os.path.exists({file!r}):
            time.sleep(0.01)
        return super().make_archive(*args, **kwargs)

setuptools.setup(cmdclass={{"sdist": Waiting}})
"""
LEAVING = """
import os, subprocess, sys, tempfile
tempfile.mkdtemp(prefix="left-")
open("demo/dist/demo-1.0.tar.gz", "wb").write(b"half")
open("demo/half", "w").close()
os.unlink("dist/old-0.9.tar.gz")
subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(100)"])
sys.exit(3)
"""


@pytest.mark.timeout(1500)
def test_nothing_is_left_of_what_goes_wrong_at_random_moments() -> None:
    # Engines have tests of their own, which take longer.
    environ = {name: text for name, text in os.environ.items() if name != "HWB_TEST_ENGINE"}
    argv = [sys.executable, SOAK, "--seed", SEED]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "### Soak" in done.stdout


def test_the_folder_that_setuptools_makes_an_sdist_of_is_not_ours(tmp_path: Path) -> None:
    wait = tmp_path / "wait"
    wait.touch()

    def make(root: Path) -> None:
        projects.write(projects.setuptools(root), {"setup.py": WAITING.format(file=str(wait))})

    trial = Trial(tmp_path / "trial", Build("an sdist", make, ("demo", "-s")), tmp_path / "cache")
    folder = trial.place.root / "demo" / "demo-1.0"

    def hang_up(started: Started, _: random.Random) -> None:
        while not folder.is_dir() and not started.wait(0.01):
            time.sleep(0.01)
        started.signal(signal.SIGHUP)
        wait.unlink()

    outcome = trial.ended(Ending("SIGHUP", hang_up, frozenset({SIGHUP})), 0.0, random.Random())
    assert not outcome.is_complete
    assert outcome.residue == (), outcome.output


def test_what_is_left_is_found(tmp_path: Path) -> None:
    leaving = Frontend("leaving", (sys.executable, "-c", LEAVING))
    trial = Trial(tmp_path / "trial", BUILDS[0], tmp_path / "cache", frontend=leaving)
    found = {(flaw.kind, flaw.what.partition("-")[0].partition(":")[0]) for flaw in trial.undisturbed()[1]}
    assert found >= {
        ("failure", "exit code 3"),
        ("artifact", "demo"),
        ("folder", "left"),
        ("folder", "demo/half"),
        ("gone", "dist/old"),
    }
    assert "process" in {kind for kind, _ in found}


def test_an_exit_code_that_is_not_promised_is_found(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "trial", BUILDS[0], tmp_path / "cache")
    outcome = trial.ended(Ending("SIGTERM", _terminate, frozenset({SIGHUP})), 0.0, random.Random())
    assert [(flaw.kind, flaw.what) for flaw in outcome.residue] == [("exit code", "143")]


def _terminate(started: Started, _: random.Random) -> None:
    started.signal(signal.SIGTERM)


# A program that does not hear how it is to end.
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("started", "w").close()
time.sleep(1)
open("demo/dist/demo-1.0.tar.gz", "w").close()
"""


def test_what_is_published_after_the_end_is_found(tmp_path: Path) -> None:
    deaf = Frontend("deaf", (sys.executable, "-c", DEAF))
    trial = Trial(tmp_path / "trial", BUILDS[0], tmp_path / "cache", frontend=deaf)

    def terminate(started: Started, _: random.Random) -> None:
        while not (trial.place.root / "started").exists():
            time.sleep(0.01)
        started.signal(signal.SIGTERM)

    outcome = trial.ended(Ending("SIGTERM", terminate, frozenset()), 0.0, random.Random())
    assert ("hang", "it publishes demo-1.0.tar.gz") in [(flaw.kind, flaw.what) for flaw in outcome.residue]

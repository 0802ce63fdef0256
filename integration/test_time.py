"""What takes too long is ended with all its processes, and it is said what that was, and where it hung."""

from __future__ import annotations

from pathlib import Path

import projects
import pytest
from containers import Containers
from frontends import Frontends, Run

# A hook that waits for a program of its own, as for a compiler that hangs.
HANGING = """
import subprocess
def build_wheel(*args):
    print("compiling")
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
"""
# More than it takes to start a hook on a busy machine.
SILENCE = "5"


def hung(run: Run) -> None:
    """Check that a build was ended for its silence, and that it shows where it was."""
    assert run.exit_code == 1
    assert run.changes == ()
    assert run.stdout == ""
    _, _, after = run.stderr.partition("compiling\n")
    dump, _, error = after.partition("ERROR ")
    assert "most recent call first" in dump
    assert "in build_wheel" in dump
    assert error.startswith("Backend subprocess exited when trying to invoke build_wheel\n")
    assert f"It printed nothing for {SILENCE} seconds" in error
    assert "--hook-silence" in error


def test_a_silent_hook_shows_where_it_hangs_and_ends(frontends: Frontends, tmp_path: Path) -> None:
    projects.silent(tmp_path / "w", HANGING)
    hung(frontends.ours("-w", "--hook-silence", SILENCE, "demo", root=tmp_path / "w"))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--timeout", "2"), "ERROR The build took longer than 2 seconds\n"),
        (("--hook-timeout", "2"), "It took longer than 2 seconds.\n  Give it more with --hook-timeout."),
        (("--jobs", "1", "--timeout", "2"), "* sdist: failed, The build took longer than 2 seconds"),
    ],
    ids=["a build", "a hook", "the build for a target"],
)
def test_what_takes_too_long_ends(frontends: Frontends, tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    projects.silent(tmp_path / "w", HANGING.replace("build_wheel", "build_sdist"))
    run = frontends.ours(*argv, "demo", root=tmp_path / "w")
    assert (run.exit_code, run.changes) == (1, ())
    assert said in run.stderr


@pytest.mark.usefixtures("known_environment")
def test_a_silent_hook_in_a_container_shows_where_it_hangs_and_ends(containers: Containers) -> None:
    projects.silent(containers.root, HANGING)
    hung(containers.run("-w", "--hook-silence", SILENCE))


@pytest.mark.usefixtures("known_environment")
def test_a_build_in_a_container_that_takes_too_long_ends(containers: Containers) -> None:
    projects.silent(containers.root, HANGING)
    assert containers.fails("-w", "--timeout", "5").startswith("The build took longer than 5 seconds\n")

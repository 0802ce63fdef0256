"""SIGKILL of the frontend: what it left, the next run removes, and nothing that belongs to one that still runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import local_index
import projects
import pytest
from frontends import Frontends, Running, digest, left_nothing, tree
from test_interruption import hanging, slow_requirement

PHASES = {
    "building a wheel from its sdist": ("build_wheel", ()),
    "unpacking to a folder of the user's": ("build_wheel", ("--sdist-extract-dir", "../kept")),
    "building into a folder elsewhere": ("build_wheel", ("-w", "-o", "../elsewhere")),
    "building for a target of many": ("build_wheel", ("--python", "3", "--jobs", "2", "-s", "-w")),
    "preparing metadata": ("prepare_metadata_for_build_wheel", ("--metadata",)),
}

WAITING = """
import time
original = build_wheel

def build_wheel(*args):
    open({reached!r}, "w").close()
    while not os.path.exists({go!r}):
        time.sleep(0.01)
    return original(*args)
"""
FROM_THE_INDEX = '[build-system]\nrequires = ["tinybackend"]\nbuild-backend = "tinybackend"\n'
PROGRAM = """
import asyncio
from headless_wheel_builder import build_wheel
asyncio.run(build_wheel("demo", output_dir="demo/dist"))
"""
# A process that has left its group, and whose parent has gone.
DAEMON = """
def build_wheel(*args):
    import subprocess, time
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    starting = f"import subprocess; subprocess.Popen({{argv}}, start_new_session=True, stdin=-3, stdout=-3, stderr=-3)"
    subprocess.run([sys.executable, "-c", starting], check=True)
    open({reached!r}, "w").close()
    time.sleep(600)
"""
# Ends where a file of the release tree has been opened, and nothing was written to it.
HALF = """
import os, time
import setuptools
from distutils import file_util

def opened(path, mode):
    file = open(path, mode)
    if os.path.basename(path) == "demo.py" and mode == "wb":
        open({reached!r}, "w").close()
        time.sleep(600)
    return file

file_util.open = opened
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a workspace with artifacts of an earlier build."""
    files = ("demo/dist/demo-0.9.tar.gz", "elsewhere/demo-0.9.tar.gz", "kept/.keep")
    return projects.write(tmp_path / "w", dict.fromkeys(files, "an earlier one"))


def killed(running: Running) -> None:
    """Kill a build and see that none of its processes goes on."""
    running.kill()
    assert running.survivors() == ()


@pytest.mark.parametrize(("hook", "flags"), PHASES.values(), ids=PHASES.keys())
def test_the_next_run_removes_what_a_killed_one_left(
    frontends: Frontends, root: Path, hook: str, flags: tuple[str, ...]
) -> None:
    demo = root / "demo"
    reached = hanging(root, hook)
    before = set(tree(root))
    running = frontends.start("ours", *flags, root=root, cwd=demo)
    running.wait_for(reached)
    killed(running)
    assert list(running.temporary.iterdir()), "nothing was left"

    # What fails publishes nothing, so that all that is new is residue.
    projects.silent(root, f"def {hook}(*args):\n    raise SystemExit(3)")
    run = frontends.start("ours", *flags, root=root, cwd=demo, temporary=running.temporary).finish()
    assert run.exit_code == 1
    left_nothing(run)
    # What the user asked for is there to stay.
    new = {
        path for path in set(tree(root)) ^ before if not path.startswith(("kept/demo-1.0", "kept/.demo-1.0.hwb.json"))
    }
    assert new <= ({"demo/dist/demo-1.0.tar.gz"} if "--jobs" in flags else set())


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_installation_is_removed_too(frontends: Frontends, root: Path, installer: str) -> None:
    reached = slow_requirement(root)
    running = frontends.start("ours", "demo", "--installer", installer, root=root)
    running.wait_for(reached)
    killed(running)
    projects.silent(root)
    run = frontends.start("ours", "demo", root=root, temporary=running.temporary).finish()
    assert run.exit_code == 0, run.stderr
    left_nothing(run)


def test_a_build_that_runs_is_not_disturbed(frontends: Frontends, root: Path) -> None:
    reached = root.parent / "reached"
    go = root.parent / "go"
    projects.silent(root, WAITING.format(reached=str(reached), go=str(go)))
    live = frontends.start("ours", "demo", root=root)
    live.wait_for(reached)
    other = projects.silent(root / "other")
    run = frontends.start("ours", str(other), "-o", str(root / "demo" / "dist"), root=root, temporary=live.temporary)
    assert run.finish().exit_code == 0
    go.touch()
    ended = live.finish()
    assert ended.exit_code == 0, ended.stderr
    left_nothing(ended)


@pytest.fixture
def index() -> Iterator[local_index.Index]:
    with local_index.Index() as found:
        yield found


def in_a_hook(root: Path, index: local_index.Index, hook: str) -> dict[str, str]:
    """Have a backend that is no longer what it was imported as: each of its hooks gets a fresh interpreter."""
    thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    index.publish("tinybackend", "1.0", local_index.backend("1.0", thread + hook))
    projects.write(root / "demo", {"pyproject.toml": FROM_THE_INDEX, "name": "demo"})
    return {"UV_DEFAULT_INDEX": index.url, "NO_PROXY": "127.0.0.1"}


def while_it_installs(root: Path, _: local_index.Index, hook: str) -> dict[str, str]:
    """Have a requirement that the installer has to build."""
    requirement = projects.sdist(root.parent / "slow", change=hook)
    projects.silent(root, requires=f'["demo @ {requirement.as_uri()}"]')
    return {}


@pytest.mark.parametrize("prepare", [in_a_hook, while_it_installs])
@pytest.mark.parametrize("prefix", [(), (sys.executable, "-c", PROGRAM)], ids=["the command line", "a program"])
def test_daemons_of_what_has_no_host_end_with_a_killed_frontend(
    frontends: Frontends,
    root: Path,
    index: local_index.Index,
    prefix: tuple[str, ...],
    prepare: Callable[[Path, local_index.Index, str], dict[str, str]],
) -> None:
    reached = root.parent / "reached"
    env = {
        **prepare(root, index, DAEMON.format(reached=os.fspath(reached))),
        "UV_CACHE_DIR": os.fspath(root.parent / "uv"),
        "HWB_CACHE_DIR": os.fspath(root.parent / "cache"),
    }
    running = frontends.start("ours", "-w", "demo", root=root, prefix=prefix, env=env)
    running.wait_for(reached)
    killed(running)


@pytest.mark.parametrize("flags", [(), ("-s",), ("-s", "-w", "--python", "3")], ids=" ".join)
def test_half_an_sdist_that_setuptools_left_does_not_get_into_the_next_one(
    frontends: Frontends, root: Path, flags: tuple[str, ...]
) -> None:
    demo = projects.setuptools(root)
    reached = root.parent / "reached"
    (demo / "setup.py").write_text(f"{HALF.format(reached=os.fspath(reached))}\nsetuptools.setup()\n")
    running = frontends.start("ours", *flags, root=root, cwd=demo)
    running.wait_for(reached)
    killed(running)
    assert (demo / "demo-1.0" / "demo.py").read_text() == ""

    (demo / "setup.py").write_text("import setuptools\nsetuptools.setup()\n")
    run = frontends.start("ours", *flags, root=root, cwd=demo, temporary=running.temporary).finish()
    assert run.exit_code == 0, run.stderr
    assert run.stderr.count("WARNING The sdist is made again") == 1
    _, content = run.contents["demo/dist/demo-1.0.tar.gz"]["demo-1.0/demo.py"]
    assert content == digest((demo / "demo.py").read_bytes())
    assert not (demo / "demo-1.0").exists()

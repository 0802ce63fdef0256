"""Ctrl-C, SIGTERM and SIGKILL while a build in containers is at any point: nothing is left, here or on the engine."""

from __future__ import annotations

import signal
import time

import container_projects
import projects
import pytest
from containers import Containers, built
from frontends import Run, Running
from watched_engine import Hold

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
BIG = 4 * 1024**2
# How a request starts, and how many that are alike come before it.
CREATE = rb"POST \S*/containers/create"
FILL = rb"PUT \S*/archive"
START = rb"POST \S*/containers/\w+/start"
REMOVE = rb"DELETE \S*/containers/"
COPY_OUT = rb"GET \S*/archive\?path=%2Fhwb%2Fcalls"
# Which is not where the interpreter of that version is likely to be.
ELSEWHERE = ("--python", "/usr/bin/python3")
# Of a build that knows nothing of earlier ones.
FIRST = {
    "the image is searched for an interpreter": (rb"GET \S*/archive", 0, ELSEWHERE),
    "a container to look and install in is made": (CREATE, 0, ()),
    "a container to look and install in is filled": (FILL, 0, ()),
    "a container to look and install in is attached to": (rb"POST \S*/attach", 0, ()),
    "the image is looked at": (START, 0, ()),
    "an installer is copied": (FILL, 1, ("--installer", "pip")),
    "an environment is kept as an image": (rb"POST \S*/commit", 0, ()),
    "a container to install in is removed": (REMOVE, 0, ()),
    "a container to build in is made": (CREATE, 1, ()),
}
# Of one that looked at the image, and has hooks run where it installed.
ALONE = {
    "an environment is kept as an image": (rb"POST \S*/commit", 0),
    "sources are copied": (FILL, 1),
}
# Of one whose environment was kept.
AGAIN = {
    "the engine is asked who it is": (rb"GET \S*/version", 0, ()),
    "the image is looked for": (rb"GET \S*/images/.*/json", 0, ()),
    "a container to build in is made": (CREATE, 0, ()),
    "a container to build in is filled": (FILL, 0, ()),
    "a container to build in is started": (START, 0, ()),
    "sources are copied": (FILL, 1, ()),
    "a wheel is copied out": (COPY_OUT, 0, ("--no-repair",)),
}


@pytest.mark.parametrize(("pattern", "skipped", "flags"), FIRST.values(), ids=FIRST.keys())
def test_ctrl_c_leaves_nothing_while(
    containers: Containers, pattern: bytes, skipped: int, flags: tuple[str, ...]
) -> None:
    projects.silent(containers.root)
    hold = containers.watched.hold(pattern, skipped=skipped)
    _interrupted_at(containers, hold, signal.SIGINT, containers.start("-w", *flags, env=containers.fresh))


@pytest.mark.parametrize(("pattern", "skipped"), ALONE.values(), ids=ALONE.keys())
def test_ctrl_c_leaves_nothing_where_hooks_run_in_the_container_of_their_environment_while(
    containers: Containers, pattern: bytes, skipped: int
) -> None:
    projects.silent(containers.root)
    hold = containers.watched.hold(pattern, skipped=skipped)
    running = containers.start("-w", env=containers.fresh, is_telling=False)
    _interrupted_at(containers, hold, signal.SIGINT, running)


@pytest.mark.usefixtures("known_environment")
@pytest.mark.parametrize(("pattern", "skipped", "flags"), AGAIN.values(), ids=AGAIN.keys())
def test_sigterm_leaves_nothing_while(
    containers: Containers, pattern: bytes, skipped: int, flags: tuple[str, ...]
) -> None:
    _big(containers)
    hold = containers.watched.hold(pattern, skipped=skipped)
    _interrupted_at(containers, hold, signal.SIGTERM, containers.start("-w", *flags))


def _big(containers: Containers) -> None:
    """Make a project that is copied when its container runs."""
    (projects.silent(containers.root) / "data").write_bytes(bytes(BIG))


def _interrupted_at(containers: Containers, hold: Hold, number: signal.Signals, running: Running) -> None:
    hold.wait()
    running.signal(number, group=True)
    # The engine takes its time meanwhile.
    time.sleep(0.2)
    hold.release()
    _ended(containers, running, number)


@pytest.mark.usefixtures("known_environment")
def test_a_wheel_is_there_if_ctrl_c_comes_after_it_was_published(containers: Containers) -> None:
    projects.silent(containers.root)
    hold = containers.watched.hold(REMOVE)
    running = containers.start("-w")
    hold.wait()
    running.signal(signal.SIGINT, group=True)
    time.sleep(0.2)
    hold.release()
    assert built(containers.finish(running)).name == "demo-1.0-py3-none-any.whl"


@pytest.mark.usefixtures("known_environment")
@pytest.mark.parametrize("number", EXIT_CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_a_hook_and_all_that_it_started_end_with_the_build(
    containers: Containers, hook: str, number: signal.Signals
) -> None:
    container_projects.hanging(containers.root, hook)
    running = containers.start()
    running.wait_for(containers.told / "reached")
    running.signal(number, group=False)
    _ended(containers, running, number)


@pytest.mark.usefixtures("known_environment")
def test_a_second_ctrl_c_while_the_first_is_handled_changes_nothing(containers: Containers) -> None:
    container_projects.hanging(containers.root, "build_wheel")
    hold = containers.watched.hold(REMOVE)
    running = containers.start("-w")
    running.wait_for(containers.told / "reached")
    running.signal(signal.SIGINT, group=True)
    hold.wait()
    running.signal(signal.SIGINT, group=True)
    time.sleep(0.2)
    hold.release()
    _ended(containers, running, signal.SIGINT)


@pytest.mark.usefixtures("known_environment")
def test_a_repair_ends_with_the_build(containers: Containers) -> None:
    container_projects.heavy(containers.root)
    # What the hook host is told to run.
    hold = containers.watched.hold(rb"program/repair.py")
    running = containers.start("-w")
    hold.wait()
    hold.release()
    time.sleep(0.5)
    running.signal(signal.SIGINT, group=True)
    _ended(containers, running, signal.SIGINT)


@pytest.mark.parametrize(
    ("installer", "path"),
    [("uv", "simple"), ("uv", "files"), ("pip", "files")],
    ids=["resolved by uv", "installed by uv", "installed by pip"],
)
def test_ctrl_c_leaves_nothing_while_requirements_are(containers: Containers, installer: str, path: str) -> None:
    projects.silent(containers.root, requires='["slow"]')
    with container_projects.SlowIndex(containers.gateway, path) as index:
        running = containers.start("-w", "--installer", installer, env={**containers.fresh, **index.variables})
        index.wait()
        running.signal(signal.SIGINT, group=True)
        _ended(containers, running, signal.SIGINT)


def test_ctrl_c_leaves_nothing_while_the_index_is_asked_beside_a_hook(containers: Containers) -> None:
    container_projects.waiting(containers.root, requires='["slow"]')
    with container_projects.SlowIndex(containers.gateway) as index:
        variables = {**containers.fresh, **index.variables}
        (containers.told / "go").touch()
        built(containers.finish(containers.start("-w", env=variables)))
        (containers.told / "go").unlink()
        (containers.root / "demo" / "dist" / "demo-1.0-py3-none-any.whl").unlink()
        index.slow_down()
        running = containers.start("-w", env=variables)
        index.wait()
        running.wait_for(containers.told / "reached")
        running.signal(signal.SIGINT, group=True)
        _ended(containers, running, signal.SIGINT)


@pytest.mark.usefixtures("known_environment")
@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_the_engine_removes_what_a_killed_frontend_leaves(containers: Containers, hook: str) -> None:
    container_projects.hanging(containers.root, hook)
    running = containers.start()
    running.wait_for(containers.told / "reached")
    running.kill()
    assert containers.watched.residue(seconds=30) == []
    assert running.survivors() == ()


@pytest.mark.usefixtures("known_environment")
def test_the_engine_removes_what_a_frontend_leaves_that_is_killed_while_sources_are_copied(
    containers: Containers,
) -> None:
    _big(containers)
    hold = containers.watched.hold(FILL, skipped=1)
    running = containers.start("-w")
    hold.wait()
    running.kill()
    hold.release()
    assert containers.watched.residue(seconds=30) == []


def test_the_engine_removes_what_a_frontend_leaves_that_is_killed_while_requirements_are_installed(
    containers: Containers,
) -> None:
    projects.silent(containers.root, requires='["slow"]')
    with container_projects.SlowIndex(containers.gateway, "files") as index:
        running = containers.start("-w", env={**containers.fresh, **index.variables})
        index.wait()
        running.kill()
        assert containers.watched.residue(seconds=30) == []


def _ended(containers: Containers, running: Running, number: signal.Signals) -> Run:
    """Check what the end of a build looks like that got a signal."""
    run = containers.finish(running)
    text = run.stdout + run.stderr
    assert run.exit_code == EXIT_CODES[number], text
    assert "Traceback" not in text
    assert run.stdout == ""
    assert run.stderr.endswith(f"ERROR Interrupted by {number.name}\n"), text
    assert text.count("ERROR") == 1, text
    assert run.changes == ()
    return run

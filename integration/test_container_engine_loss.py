"""The engine ends while a build uses it: a clear error, nothing is left here, nor there when it runs again."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace

import container_projects
import own_engine
import projects
import pytest
from containers import SECONDS, Containers, error
from frontends import Frontends, Running, left_nothing
from own_engine import OwnEngine
from watched_engine import WatchedEngine

from headless_wheel_builder.isolation.docker import keeping
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect
from headless_wheel_builder.isolation.docker.keeping import remove_lost, tidy

FLAGS = ("--no-repair", "--installer", "pip")
KEYS = {"label": keeping.KEY}


@pytest.fixture(scope="module")
def own(engine: str) -> Iterator[OwnEngine]:
    with OwnEngine(engine) as found:
        yield found


@pytest.fixture
def lost(own: OwnEngine, frontends: Frontends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """Return the command line, with an engine that may be lost."""
    with WatchedEngine(own.host) as watched:
        yield Containers(frontends, watched, tmp_path_factory.mktemp("lost"))


def _reached(lost: Containers, *flags: str) -> Running:
    running = lost.start(*flags, *FLAGS, image=own_engine.IMAGE, env=lost.fresh)
    running.wait_for(lost.told / "reached", seconds=SECONDS)
    return running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_an_engine_that_ends_mid_build(own: OwnEngine, lost: Containers, number: signal.Signals) -> None:
    container_projects.hanging(lost.root, "build_wheel")
    running = _reached(lost, "-w")
    own.end(number)
    run = running.finish(SECONDS)
    left_nothing(run)
    told = error(run).splitlines()
    assert told[0] == "Backend subprocess exited when trying to invoke build_wheel"
    # What a stopped engine says last is a matter of a moment.
    assert "engine does not answer any more" in told[1] or "killed or stopped the container" in told[1], told
    assert told[2:] in (["  Was it stopped? Start it again."], ["  Build again."])
    own.start()
    assert lost.watched.residue(seconds=30) == []
    assert _found(own) == ([], [])


def test_ctrl_c_of_a_build_whose_engine_was_killed(own: OwnEngine, lost: Containers) -> None:
    container_projects.hanging(lost.root, "build_wheel")
    hold = lost.watched.hold(rb"DELETE \S*/containers/", skipped=2)
    running = _reached(lost, "-w")
    running.signal(signal.SIGINT, group=True)
    hold.wait()
    own.end(signal.SIGKILL)
    hold.release()
    run = running.finish(SECONDS)
    left_nothing(run)
    assert run.exit_code == 130
    assert run.stderr.endswith("ERROR Interrupted by SIGINT\n")
    own.start()
    assert lost.watched.residue(seconds=30) == []


def test_what_a_killed_frontend_left_is_removed_by_a_later_build(
    own: OwnEngine, lost: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that was not started yet, and an image that nobody was to keep."""
    projects.silent(lost.root)
    hold = lost.watched.hold(rb"POST \S*/attach", skipped=1)
    running = lost.start("-w", "--fresh-env", *FLAGS, image=own_engine.IMAGE, env=lost.fresh)
    hold.wait()
    running.kill()
    with contextlib.closing(connect(Endpoint(own.host), SECONDS)) as engine:
        remove_lost(engine, _never)
        tidy(engine, _never)
        containers, images = _found(own)
        # The engine itself is removing the one that was installed in.
        while containers:
            time.sleep(0.05)
            containers, images = _found(own)
        assert len(images) == 1, "others may still want it"
        _pretend(monkeypatch, 25 * 60 * 60)
        tidy(engine, _never)
    assert _found(own) == ([], [])
    assert lost.watched.residue() == []


def _pretend(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have it be later."""
    now = time.time() + seconds
    monkeypatch.setattr(keeping, "time", SimpleNamespace(time=lambda: now))


def _never() -> None:
    pass


def _found(own: OwnEngine) -> tuple[list[str], list[str]]:
    """Return the containers on it, and the images that nobody is to keep."""
    with contextlib.closing(own.api()) as api:
        images = [image["Id"] for image in api.images(filters=KEYS) if not image["Labels"][keeping.KEY]]
        return [container["Id"] for container in api.containers(all=True)], images

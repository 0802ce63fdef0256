"""Two engines side by side: each does a part of what one command line is asked for.

Which of them is native for what is tried without engines, in tests/jobs/test_engines.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import projects
import pytest
import remotes
from containers import IMAGE, PYTHON, TOLD
from engine import running
from frontends import Frontends, Run, Running, left_nothing, refused
from watched_engine import WatchedEngine

pytestmark = [
    # Each worker that runs one of these makes the engine for itself.
    pytest.mark.xdist_group("two engines"),
    pytest.mark.timeout(600),
    # An engine is ended by its id.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

SECONDS = 120.0
NAMES = ("demo", "second")
# Each hook waits until as many as are expected have been reached at once.
TOGETHER = """
NAME = {name!r}

def build_wheel(folder, *args):
    import socket, time
    told = Path({told!r})
    (told / socket.gethostname()).write_text(NAME)
    while len(list(told.iterdir())) < {expected}:
        time.sleep(0.05)
    name = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
    write_wheel(f"{{folder}}/{{name}}", {{"demo.py": b""}})
    return name
"""


class Engines:
    """The engine of all tests and another one, watched, and sdists that are built there."""

    def __init__(self, folder: Path, frontends: Frontends, watched: Sequence[WatchedEngine]) -> None:
        self.frontends = frontends
        self.root = folder / "w"
        self.told = folder / "told"
        self.watched = watched
        self.told.mkdir()
        # The user of containers is root, but may do no more than others.
        self.told.chmod(0o777)

    def start(self, *flags: str, expected: int = 2) -> Running:
        """Begin to build two sdists, whose hooks wait until as many have been reached as are expected."""
        sdists = [self._sdist(name, expected) for name in NAMES]
        argv = [part for one in self.watched for part in ("--docker-host", one.host)]
        argv += ["--isolation", "docker", "--image", IMAGE, "--python", PYTHON, "--mount", f"{self.told}:{TOLD}"]
        # What else names an engine does not win.
        env = {**remotes.NO_OTHER, "DOCKER_HOST": "unix:///nonexistent.sock", "DOCKER_CONTEXT": "nowhere"}
        argv += ["-o", str(self.root / "out"), *flags, *sdists]
        return self.frontends.start("ours", *argv, root=self.root, env=env)

    def finish(self, running: Running) -> Run:
        """Wait for the end, and check that nothing is left on either."""
        run = running.finish(SECONDS)
        left_nothing(run)
        assert [one.residue(10) for one in self.watched] == [[], []], run.stderr
        return run

    def reached(self, count: int, running: Running) -> list[str]:
        """Wait until hooks are running, and return their containers."""
        end = time.monotonic() + SECONDS
        while len(found := sorted(os.listdir(self.told))) < count:
            assert time.monotonic() < end, running.finish(1)
            time.sleep(0.05)
        return found

    def _sdist(self, name: str, expected: int) -> str:
        change = TOGETHER.format(name=name, told=TOLD, expected=expected)
        return str(projects.sdist(self.root, f"{name}-1.0.tar.gz", change, project=name))


@pytest.fixture(scope="module")
def second(engine: str) -> Iterator[str]:
    """Have a second engine with the same image, and return its address."""
    missing = [name for name in ("dockerd", "iptables", "ip") if not shutil.which(name, path=remotes.PROGRAMS)]
    if missing or os.getuid():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs root, and {', '.join(missing)}")
    # A path that is short enough for sockets.
    with tempfile.TemporaryDirectory(prefix="hwb-", ignore_cleanup_errors=True) as folder:
        place = Path(folder, "engine")
        place.mkdir()
        with running(place) as address:
            remotes.copy(engine, address, IMAGE)
            yield address


@pytest.fixture
def engines(engine: str, second: str, frontends: Frontends, tmp_path: Path) -> Iterator[Engines]:
    with contextlib.ExitStack() as stack:
        watched = [stack.enter_context(WatchedEngine(address)) for address in (engine, second)]
        yield Engines(tmp_path, frontends, watched)
        for one in watched:
            for image in one.images:
                with contextlib.suppress(OSError):
                    one.api.remove_image(image, force=True)


def test_both_engines_build_at_once(engines: Engines) -> None:
    run = engines.finish(engines.start("--jobs", "1"))
    assert run.exit_code == 0, run.stderr
    assert sorted(Path(name).name for name in run.artifacts) == [f"{name}-1.0-py3-none-any.whl" for name in NAMES]
    # Each had one slot, and the hooks have waited for one another.
    assert len(list(engines.told.iterdir())) == 2
    assert all(one.containers for one in engines.watched)


def test_each_engine_has_as_many_slots_as_it_is_told(engines: Engines) -> None:
    running = engines.start("--jobs", "1", expected=3)
    try:
        assert len(engines.reached(2, running)) == 2
        (engines.told / "the third").touch()
        assert engines.finish(running).exit_code == 0
    finally:
        running.kill()


def test_what_runs_on_both_is_ended_by_a_signal(engines: Engines) -> None:
    running = engines.start("--jobs", "1", expected=100)
    try:
        engines.reached(2, running)
        running.signal(signal.SIGINT, group=False)
        run = engines.finish(running)
    finally:
        running.kill()
    assert run.exit_code == 130, run.stderr
    assert run.artifacts == {}


def test_an_engine_that_does_not_answer_is_named_before_anything_is_begun(engines: Engines) -> None:
    argv = ("--docker-host", engines.watched[0].host, "--docker-host", "unix:///nonexistent.sock")
    argv = (*argv, "--isolation", "docker", "--image", IMAGE, "--python", PYTHON, "demo")
    projects.silent(engines.root)
    run = engines.frontends.ours(*argv, root=engines.root, env=remotes.NO_OTHER)
    refused(run, "No container engine answers at unix:///nonexistent.sock")
    assert engines.watched[0].containers == []

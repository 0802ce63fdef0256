"""Build in containers of the engine that HWB_TEST_ENGINE names, and find what builds leave there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import docker
import projects
import pytest
from docker.errors import APIError
from frontends import Frontends, Run, Running, left_nothing
from watched_engine import WatchedEngine

# Made by integration/images.
IMAGE = "hwb-test/manylinux_2_36_x86_64"
PYTHON = "3.11"
# In containers, a folder of the test.
TOLD = "/told"
# Ends every run of these tests by far, and tells a build that hangs from one that takes its time.
SECONDS = 120.0


@pytest.fixture(scope="session")
def kept_images(engine: str) -> Iterator[set[str]]:
    """Collect the images that builds keep, for the tests share them as builds of a user do; none is left at the end."""
    images: set[str] = set()
    yield images
    with contextlib.closing(docker.APIClient(engine)) as api:
        for image in images:
            with contextlib.suppress(APIError):
                api.remove_image(image, force=True)


@pytest.fixture
def watched(engine: str, kept_images: set[str]) -> Iterator[WatchedEngine]:
    """Watch what one test does with the engine."""
    with WatchedEngine(engine) as found:
        yield found
    kept_images.update(found.images)


@pytest.fixture(scope="session")
def known_environment(engine: str, kept_images: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have an environment kept that needs nothing: the image was looked at, and builds start at once."""
    folder = tmp_path_factory.mktemp("known")
    with WatchedEngine(engine) as watched:
        containers = Containers(Frontends(folder), watched, folder)
        projects.silent(containers.root)
        built(containers.run("-w"))
        kept_images.update(watched.images)


@pytest.fixture
def containers(frontends: Frontends, watched: WatchedEngine, tmp_path: Path) -> Containers:
    """Return the command line, with an engine that is watched."""
    return Containers(frontends, watched, tmp_path)


class Containers:
    """The command line with `--isolation docker`, on the project `demo` of a workspace.

    :param folder: for the workspace and what hooks tell
    """

    def __init__(self, frontends: Frontends, watched: WatchedEngine, folder: Path) -> None:
        self.frontends = frontends
        self.watched = watched
        self.folder = folder
        self.root = folder / "w"
        self.told = folder / "told"
        self.told.mkdir()
        # The user of containers is root, but may do no more than others.
        self.told.chmod(0o777)

    def start(
        self,
        *flags: str,
        env: Mapping[str, str] | None = None,
        image: str = IMAGE,
        is_telling: bool = True,
        prefix: Sequence[str] = (),
        temporary: Path | None = None,
    ) -> Running:
        """Start a build.

        :param is_telling: whether hooks have a folder of the test; no container has it that something is installed in
        :param prefix: what starts the command line
        :param temporary: its temporary folder, instead of a new one
        """
        argv = ["demo", "--isolation", "docker", "--image", image, "--python", PYTHON]
        argv += ["--mount", f"{self.told}:{TOLD}"] if is_telling else []
        variables = {"DOCKER_HOST": self.watched.host, **(env or {})}
        return self.frontends.start(
            "ours", *argv, *flags, root=self.root, env=variables, prefix=prefix, temporary=temporary
        )

    def run(self, *flags: str, env: Mapping[str, str] | None = None, image: str = IMAGE) -> Run:
        """Build, and check that nothing is left."""
        return self.finish(self.start(*flags, env=env, image=image))

    def finish(self, running: Running) -> Run:
        """Wait for the end of a build, and check that nothing is left."""
        run = running.finish(SECONDS)
        self.left_nothing(run)
        return run

    def fails(self, *flags: str, env: Mapping[str, str] | None = None, image: str = IMAGE) -> str:
        """Build, check that it fails as it should, and return the lines of the error."""
        return error(self.run(*flags, env=env, image=image))

    def wait_for(self, file: Path) -> None:
        """Wait until a hook of a build in this process has made a file."""
        end = time.monotonic() + SECONDS
        while not file.exists():
            assert time.monotonic() < end, f"nobody made {file}"
            time.sleep(0.01)

    def left_nothing(self, run: Run, seconds: float = 0.0) -> None:
        """Check that a run left nothing, here or on the engine."""
        left_nothing(run)
        left = self.watched.residue(seconds)
        assert left == [], f"{left}\n{run.stderr}"

    @property
    def gateway(self) -> str:
        """The address of this machine, as containers see it."""
        network = self.watched.api.inspect_network("bridge")
        return str(network["IPAM"]["Config"][0]["Gateway"])

    @property
    def fresh(self) -> dict[str, str]:
        """Variables with which nothing is known of earlier builds."""
        return {"HWB_CACHE_DIR": str(self.folder / "cache")}


def error(run: Run) -> str:
    """Check that a run failed for a reason that it tells, and return that: message, cause and hint, a line each."""
    text = run.stdout + run.stderr
    assert run.exit_code == 1, text
    assert "Traceback" not in text, text
    assert "This is a bug" not in text, text
    assert run.stdout == "", text
    assert run.changes == (), text
    _, is_there, told = run.stderr.rpartition("ERROR ")
    assert is_there, text
    return told.strip()


def built(run: Run) -> Path:
    """Check that a run built one wheel, and return its path."""
    assert run.exit_code == 0, run.stdout + run.stderr
    (path,) = run.artifacts.values()
    return path

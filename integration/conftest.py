from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from container_builds import ContainerBuilds
from containers import containers, kept_images, known_environment, watched  # noqa: F401 - fixtures
from frontends import Frontends


@pytest.fixture
def frontends(tmp_path: Path) -> Frontends:
    """Both command lines, as processes of this interpreter."""
    return Frontends(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def heard_signals() -> None:
    """Let what the tests start hear Ctrl-C, although a shell that runs them in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what builds keep in a folder of the tests, which share it as builds of a user do."""
    os.environ["HWB_CACHE_DIR"] = os.fspath(tmp_path_factory.mktemp("hwb-cache"))


@pytest.fixture(scope="session")
def engine() -> str:
    """Where the container engine is that has the images of `integration/images`."""
    address = os.environ.get("HWB_TEST_ENGINE")
    if not address:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("HWB_TEST_ENGINE names no container engine: see integration/engine.py and integration/images")
    return address


@pytest.fixture(scope="session")
def client(engine: str) -> Iterator[docker.APIClient]:
    """Return what asks the engine."""
    with contextlib.closing(docker.APIClient(engine, version="auto", timeout=300)) as client:
        yield client


@pytest.fixture
def builds(engine: str, frontends: Frontends) -> Iterator[ContainerBuilds]:
    """Return the command line, with the engine, and clean containers to try wheels in."""
    with contextlib.closing(ContainerBuilds(engine, frontends)) as found:
        yield found

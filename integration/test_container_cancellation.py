"""Coroutines of containers that are cancelled return when all is gone; several builds at once do not get mixed up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import container_projects
import projects
import pytest
from containers import IMAGE, PYTHON, TOLD, Containers
from frontends import members

from headless_wheel_builder import IsolationError, build_wheel
from headless_wheel_builder.isolation.docker import DockerConfig, DockerIsolation

pytestmark = pytest.mark.usefixtures("known_environment")
MARKED = """
import time
NAME = {name!r}
def build_wheel(*args, plain=build_wheel):
    for line in range(200):
        print({name!r}, line, flush=True)
    return plain(*args)
"""


@pytest.fixture
def isolation(containers: Containers, monkeypatch: pytest.MonkeyPatch) -> DockerIsolation:
    monkeypatch.setenv("DOCKER_HOST", containers.watched.host)
    temporary = containers.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return DockerIsolation(DockerConfig(image=IMAGE, extra_mounts={str(containers.told): TOLD}))


async def cancelled(work: Coroutine[Any, Any, object], wait: Callable[[], None], times: int = 1) -> None:
    """Cancel work when it has got as far as that, and wait until it has returned."""
    task = asyncio.ensure_future(work)
    await asyncio.to_thread(wait)
    for _ in range(times):
        assert not task.done(), task
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 60)


def reached(containers: Containers) -> Callable[[], None]:
    """Return what waits until a hook runs."""

    def wait() -> None:
        containers.wait_for(containers.told / "reached")

    return wait


def nothing_is_left(containers: Containers) -> None:
    assert containers.watched.residue() == []
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    assert not (containers.folder / "dist").exists()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_a_build_that_is_cancelled(containers: Containers, isolation: DockerIsolation, hook: str, times: int) -> None:
    project = container_projects.hanging(containers.root, hook)
    work = build_wheel(project, output_dir=containers.folder / "dist", python=PYTHON, sdist=True, isolation=isolation)
    asyncio.run(cancelled(work, reached(containers), times))
    nothing_is_left(containers)


def test_a_build_in_an_environment_that_is_cancelled(containers: Containers, isolation: DockerIsolation) -> None:
    project = container_projects.hanging(containers.root, "build_wheel")

    async def main() -> None:
        async with await isolation.create_environment(PYTHON, []) as environment:
            work = isolation.build_in_container(project, containers.folder / "dist", environment)
            await cancelled(work, reached(containers))
            nothing_is_left(containers)

    asyncio.run(main())


def test_an_environment_that_is_cancelled(
    containers: Containers, isolation: DockerIsolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with container_projects.SlowIndex(containers.gateway, "files") as index:
        for name, text in index.variables.items():
            monkeypatch.setenv(name, text)
        asyncio.run(cancelled(isolation.create_environment(PYTHON, ["slow"]), index.wait))
    nothing_is_left(containers)


@pytest.mark.parametrize("pattern", [rb"POST \S*/containers/create", rb"PUT \S*/archive", rb"POST \S*/start"])
def test_a_build_that_is_cancelled_while_the_engine_works(
    containers: Containers, isolation: DockerIsolation, pattern: bytes
) -> None:
    """The event loop is not held up meanwhile."""
    project = projects.silent(containers.root)
    hold = containers.watched.hold(pattern)

    async def main() -> None:
        work = build_wheel(project, output_dir=containers.folder / "dist", python=PYTHON, isolation=isolation)
        task = asyncio.ensure_future(work)
        await asyncio.to_thread(hold.wait)
        task.cancel()
        await asyncio.sleep(0.2)
        hold.release()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    nothing_is_left(containers)


def test_an_environment_whose_image_has_vanished(
    containers: Containers, isolation: DockerIsolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWB_CACHE_DIR", containers.fresh["HWB_CACHE_DIR"])
    project = projects.silent(containers.root)

    async def main() -> None:
        async with await isolation.create_environment(PYTHON, []) as environment:
            (image,) = containers.watched.images
            containers.watched.api.remove_image(image, force=True)
            with pytest.raises(IsolationError, match="The container could not be made") as caught:
                await isolation.build_in_container(project, containers.folder / "dist", environment)
            assert caught.value.cause.startswith("No such image")
            assert caught.value.hint == "Something removed it meanwhile. Build again."

    asyncio.run(main())
    nothing_is_left(containers)


def test_six_containers_at_once(containers: Containers, isolation: DockerIsolation) -> None:
    names = [f"demo{number}" for number in range(6)]
    for name in names:
        projects.demo(containers.root, f"{projects.SILENT}\n{MARKED.format(name=name)}", folder=name)

    async def main() -> None:
        environment = await isolation.create_environment(PYTHON, [])
        async with environment:
            folders = [containers.folder / "dist" / name for name in names]
            built = await asyncio.gather(
                *(
                    isolation.build_in_container(containers.root / name, folder, environment)
                    for name, folder in zip(names, folders, strict=True)
                )
            )
        for name, folder, (wheel, sdist, log) in zip(names, folders, built, strict=True):
            assert (wheel, sdist) == (folder / f"{name}-1.0-py3-none-any.whl", None)
            assert wheel is not None
            assert f"{name}-1.0.dist-info/METADATA" in members(wheel)
            assert log.splitlines() == [f"{name} {line}" for line in range(200)]

    asyncio.run(main())
    assert containers.watched.residue() == []
    assert len(containers.watched.containers) >= 6

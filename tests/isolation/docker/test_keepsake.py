"""The container of a failed build waits for the user."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from docker.errors import APIError
from fake_engine import BASE, FakeApi, engine

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.keeping import KEY
from headless_wheel_builder.isolation.docker.keepsake import keep
from headless_wheel_builder.isolation.docker.plan import KEPT, LABEL, Plan

FOLDER = "/hwb/source/1/my pkg"
PATH = "/hwb/env/bin:/usr/bin"


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def container(api: FakeApi) -> Iterator[Container]:
    made = Container(engine(api), Plan(image=BASE, platform="linux/amd64", argv=("python",)))
    made.make()
    made.start({"preload": [], "own": []})
    yield made
    made.close()
    for one in api.made.values():
        one.stream.close()


def test_what_it_has_is_there_in_another_one_that_waits(api: FakeApi, container: Container) -> None:
    keep(engine(api), container, FOLDER, PATH, network=True)
    first, second = api.made.values()
    assert api.kept[second.config["Image"]]["Of"] == BASE
    assert second.is_running
    assert second.config["Cmd"] == ["/hwb/env/bin/python", "-c", "import signal; signal.pause()"]
    assert second.config["name"] == f"{first.config['name']}-kept"
    assert second.config["working_dir"] == FOLDER
    assert second.config["environment"] == {"PATH": PATH, "VIRTUAL_ENV": "/hwb/env"}


def test_an_environment_that_was_in_memory_is_unpacked_there_again(api: FakeApi) -> None:
    plan = Plan(image=BASE, platform="linux/amd64", argv=("python",), in_memory=True)
    container = Container(engine(api), plan)
    container.make()
    keep(engine(api), container, FOLDER, PATH, network=True)
    first, second = (made.config for made in api.made.values())
    assert second["Cmd"] == ["python", programs.PACKER, os.devnull, "stay", "/hwb/env.parcel", "/hwb/env"]
    assert second["host_config"]["tmpfs"] == first["host_config"]["tmpfs"]
    container.close()
    for one in api.made.values():
        one.stream.close()


def test_nobody_tidies_it_away_and_its_image_goes_some_day(api: FakeApi, container: Container) -> None:
    keep(engine(api), container, FOLDER, PATH, network=True)
    kept = list(api.made.values())[1].config
    assert kept["labels"] == {KEPT: container.name}
    assert LABEL not in kept["labels"]
    assert api.kept[kept["Image"]]["Labels"][KEY] == ""
    assert kept["host_config"]["auto_remove"]


@pytest.mark.parametrize(("network", "mode"), [(True, "default"), (False, "none")])
def test_it_has_a_network_if_hooks_had_one(api: FakeApi, container: Container, network: bool, mode: str) -> None:
    keep(engine(api), container, FOLDER, PATH, network=network)
    assert list(api.made.values())[1].config["host_config"]["network_mode"] == mode


@pytest.mark.parametrize(
    ("address", "source", "docker"),
    [
        ("unix:///var/run/docker.sock", "the default", "docker"),
        ("tcp://far:2375", "DOCKER_HOST", "docker"),
        ("ssh://far", "the context far", "docker"),
        (
            "unix:///run/user/1000/podman/podman.sock",
            "the default",
            "docker -H unix:///run/user/1000/podman/podman.sock",
        ),
    ],
)
def test_the_user_is_told_what_to_type(
    api: FakeApi, container: Container, address: str, source: str, docker: str
) -> None:
    name = f"{container.name}-kept"
    assert keep(engine(api, address, source), container, FOLDER, PATH, network=True) == (
        "The container is kept. To look into it:\n"
        f"  {docker} exec -it -w '{FOLDER}' {name} sh\n"
        "To remove it:\n"
        f"  {docker} rm -f {name}"
    )


def test_of_one_that_does_not_start_nothing_stays(container: Container, api: FakeApi) -> None:
    class Broken(FakeApi):
        def start(self, one: str) -> None:
            raise APIError("server error", explanation=f"{one} does not start")

    broken = Broken()
    broken.kept, broken.made = api.kept, api.made
    with pytest.raises(IsolationError, match="could not be kept"):
        keep(engine(broken), container, FOLDER, PATH, network=True)
    assert broken.gone[0] == f"{container.name}-kept"
    assert api.kept.keys() == {BASE}


def test_a_container_that_is_gone_cannot_be_kept(api: FakeApi, container: Container) -> None:
    gone = api.made.pop(container.id)
    with pytest.raises(IsolationError, match="could not be kept as an image"):
        keep(engine(api), container, FOLDER, PATH, network=True)
    gone.close()
    gone.stream.close()

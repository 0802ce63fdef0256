"""How an engine is asked for a container, and what happens where it has no init."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import DOCKER, PODMAN, UPGRADED, Answer, Handler, Server, fake_engine
from support import Recorder

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import Explained
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import Engine, connect
from headless_wheel_builder.isolation.docker.plan import Bind, Plan
from headless_wheel_builder.values import changed

PLAN = Plan("image", "linux/amd64", ("python", "host.py"))
MADE = (201, {"Id": "one", "Warnings": []})
NO_INIT = (500, {"message": "container create: container-init binary not found on the host: stat /x: no such file"})
NO_USUAL = {**DOCKER, "Components": DOCKER["Components"][:-1]}


@pytest.fixture(params=[DOCKER])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    with fake_engine(tmp_path / "d.sock", facts=request.param) as made:
        made.answers["POST /containers/create"] = MADE
        yield made


@pytest.fixture
def engine(tmp_path: Path, server: Server, recorder: Recorder) -> Iterator[Engine]:
    del server
    connected = connect(Endpoint(f"unix://{tmp_path}/d.sock"), 10, recorder)
    yield connected
    connected.close()


def made(engine: Engine, plan: Plan = PLAN) -> str:
    """Have a container made, and return its id."""
    container = Container(engine, plan)
    container.make()
    return container.id


def asked(server: Server, what: str = "POST /containers/create") -> list[Any]:
    return [body for method, path, body in server.requests if f"{method} {path}" == what]


def test_a_container_has_what_it_needs_and_ends_with_its_client(server: Server, engine: Engine) -> None:
    assert made(engine) == "one"
    (body,) = asked(server)
    assert (body["Image"], body["Cmd"], body["Entrypoint"], body["User"]) == ("image", list(PLAN.argv), [""], "0:0")
    assert (body["OpenStdin"], body["StdinOnce"], body["HostConfig"]["AutoRemove"]) == (True, True, True)
    assert body["HostConfig"]["CapDrop"] == ["ALL"]
    assert body["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    assert body["HostConfig"]["Init"] is True


@pytest.mark.parametrize(("network", "mode"), [(True, "bridge"), (False, "none")])
def test_a_container_has_a_network_or_none(server: Server, engine: Engine, mode: str, *, network: bool) -> None:
    made(engine, Plan("image", "linux/amd64", (), network=network))
    assert asked(server)[0]["HostConfig"]["NetworkMode"] == mode


@pytest.mark.parametrize("server", [PODMAN], indirect=True)
def test_podman_without_an_init_is_asked_again_without_and_that_is_said_once(
    server: Server, engine: Engine, recorder: Recorder
) -> None:
    server.answers["POST /containers/create"] = [NO_INIT, MADE, MADE]
    assert [made(engine) for _ in range(2)] == ["one", "one"]
    assert [body["HostConfig"]["Init"] for body in asked(server)] == [True, False, False]
    assert [event.message for event in recorder.of(Explained)] == [
        "Containers have no init, as the engine cannot start it: it is not there"
    ]


@pytest.mark.parametrize("server", [PODMAN], indirect=True)
@pytest.mark.parametrize("answers", [[NO_INIT, NO_INIT], [(500, {"message": "no space left"})]])
def test_what_else_podman_does_not_do_is_an_error(
    server: Server, engine: Engine, recorder: Recorder, answers: list[Answer]
) -> None:
    server.answers["POST /containers/create"] = list(answers)
    with pytest.raises(IsolationError, match="The container could not be made"):
        made(engine)
    assert len(asked(server)) == len(answers)
    assert len(recorder.of(Explained)) == len(answers) - 1


@pytest.mark.parametrize("server", [NO_USUAL], indirect=True)
@pytest.mark.parametrize(("commit", "has_init"), [("N/A", False), ("de40ad0", True)])
def test_docker_without_its_own_init_may_have_another(
    server: Server, engine: Engine, recorder: Recorder, commit: str, *, has_init: bool
) -> None:
    server.answers["GET /info"] = (200, {"InitCommit": {"ID": commit}})
    for _ in range(2):
        made(engine)
    assert [body["HostConfig"]["Init"] for body in asked(server)] == [has_init, has_init]
    assert len(asked(server, "GET /info")) == 1
    assert len(recorder.of(Explained)) == (0 if has_init else 1)


@pytest.mark.parametrize(("source", "kind"), [("/here", "bind"), ("C:/here", "bind"), ("ccache", "volume")])
def test_folders_are_bound_and_names_are_those_of_volumes(
    server: Server, engine: Engine, source: str, kind: str
) -> None:
    made(engine, changed(PLAN, binds=(Bind(source, "/there", is_readonly=True),)))
    (mount,) = asked(server)[0]["HostConfig"]["Mounts"]
    assert (mount["Source"], mount["Target"], mount["Type"], mount["ReadOnly"]) == (source, "/there", kind, True)


def test_an_engine_that_is_stuck_while_a_hook_runs_is_noticed_in_the_time_that_it_has(
    tmp_path: Path, server: Server
) -> None:
    over = threading.Event()

    def attached(handler: Handler) -> None:
        handler.connection.sendall(UPGRADED)
        over.wait(30)

    server.answers["POST /containers/one/attach"] = attached
    server.answers["POST /containers/one/start"] = (200, {})
    server.answers["GET /_ping"] = lambda _handler: over.wait(30)
    engine = connect(Endpoint(f"unix://{tmp_path}/d.sock"), 1)
    container = Container(engine, PLAN)
    try:
        container.make()
        container.start({"run": []})
        assert container.receive(None) is None
        assert ("GET", "/_ping", None) in server.requests
    finally:
        over.set()
        container.close()
        engine.close()

"""Environments of one build in containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.types import Mount
from fake_engine import PYTHON, FakeApi, Ran, facts, image, interpreter, make_place
from support import Recorder, wait_for

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import EnvironmentCreating, Noticed, RequirementsInstalling, Warned
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.contents import Contents
from headless_wheel_builder.isolation.docker.plan import IN_MEMORY
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.provisioned_images import ProvisionedImages
from headless_wheel_builder.isolation.docker.session import ContainerSession
from headless_wheel_builder.values import changed

MADE = Provisioned("sha256:made", "key", Contents("/hwb/env/lib/python3.12/site-packages", {}))
CERTIFICATE = "certificate"


class Sessions:
    """Makes sessions with an image that has `flit_core`, and closes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.source = folder / "pkg"
        self.source.mkdir()
        self.api = FakeApi(self._program)
        self.api.kept["sha256:made"] = image("sha256:made")
        self.recorder = Recorder()
        self.seen: dict[str, str] = {}
        self.open: list[ContainerSession] = []

    def make(self, config: DockerConfig | None = None, provisioned: Provisioned = MADE) -> ContainerSession:
        (self._folder / "own.pem").write_text(CERTIFICATE)
        environ = {"HTTPS_PROXY": "proxy.example", "SSL_CERT_FILE": os.fspath(self._folder / "own.pem")}
        environ["PIP_INDEX_URL"] = "https://me:secret@index.example"
        found = facts(interpreter(), interpreter("/opt/python/pp311/bin/python", (3, 11, 0), name="pypy"))
        place = make_place(self._folder, self.api, found, config, environ=environ, recorder=self.recorder)
        images = ProvisionedImages(place, place.surroundings.newest())
        images.lend(("flit_core",), provisioned)
        session = ContainerSession(place, images)
        self.open.append(session)
        return session

    def backend(self) -> BackendPlace:
        return BackendPlace(os.fspath(self.source), "flit_core.buildapi")

    def close(self) -> None:
        for session in self.open:
            session.close()
        for made in self.api.made.values():
            made.stream.close()

    def _program(self, _argv: list[str], request: Frame) -> Ran:
        return Ran(files={path: self.seen[path] for path in request.get("read", ()) if path in self.seen})


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    made = Sessions(tmp_path)
    yield made
    made.close()


def test_an_environment_says_what_is_made_and_installed(sessions: Sessions) -> None:
    with sessions.make().provision(["flit_core"]) as environment:
        assert environment.provisioned is MADE
    assert sessions.recorder.of(EnvironmentCreating) == [EnvironmentCreating("container of manylinux_2_28_x86_64")]
    assert sessions.recorder.of(RequirementsInstalling) == [RequirementsInstalling(("flit_core",))]


def test_hooks_have_the_variables_of_the_image_proxies_and_what_the_user_adds(sessions: Sessions) -> None:
    config = DockerConfig(cpu_limit=1.5, extra_env={"OWN": "x", "MAKEFLAGS": "-j1"})
    with sessions.make(config).provision(["flit_core"]) as environment:
        variables = environment.env_vars
    assert variables["AUDITWHEEL_PLAT"] == "manylinux_2_28_x86_64"
    assert variables["PATH"] == "/hwb/env/bin:/usr/bin"
    assert variables["HTTPS_PROXY"] == "proxy.example"
    assert variables["SSL_CERT_FILE"] == "/hwb/certificates.pem"
    # Whoever is root without a right to may not give what is unpacked to others.
    assert variables["TAR_OPTIONS"] == "--no-same-owner"
    assert (variables["OWN"], variables["MAKEFLAGS"], variables["MAX_JOBS"]) == ("x", "-j1", "2")
    assert "secret" not in str(variables)


def test_hooks_without_a_network_hear_of_no_proxy(sessions: Sessions) -> None:
    with sessions.make(DockerConfig(network=False)).provision(["flit_core"]) as environment:
        assert not {"HTTPS_PROXY", "SSL_CERT_FILE"} & environment.env_vars.keys()


def test_a_container_of_hooks_is_as_the_user_wants_it_and_has_no_rights(sessions: Sessions) -> None:
    sessions.seen = {"/sys/fs/cgroup/memory.max": f"{64 * 1024**2}", "/sys/fs/cgroup/cpu.max": "50000 100000"}
    config = DockerConfig(network=False, memory_limit="64m", cpu_limit=0.5, extra_mounts={"/cache": "/root/.cache:ro"})
    sessions.make(config).launcher(MADE, sessions.backend())
    (container,) = sessions.api.made.values()
    host = container.config["host_config"]
    assert container.config["Image"] == "sha256:made"
    assert container.config["Cmd"][0] == "/hwb/env/bin/python"
    assert (host["network_mode"], host["mem_limit"], host["nano_cpus"]) == ("none", 64 * 1024**2, 500_000_000)
    assert host["mounts"] == [Mount("/root/.cache", "/cache", type="bind", read_only=True)]
    assert (host["cap_drop"], host["cap_add"]) == (["ALL"], [])
    assert container.files["/hwb/certificates.pem"] == b"certificate\n"
    assert b"secret" not in b"".join(container.files.values())


def test_an_environment_that_is_one_file_is_unpacked_in_memory_before_its_interpreter_is_the_host(
    sessions: Sessions,
) -> None:
    sessions.seen = {"/hwb/answer.json": "true"}
    sessions.make().launcher(changed(MADE, is_packed=True), sessions.backend())
    (container,) = sessions.api.made.values()
    assert container.config["Cmd"][0] == PYTHON
    assert container.config["host_config"]["tmpfs"] == {"/hwb/env": IN_MEMORY}
    wait_for(lambda: len(container.requests) == 3)
    unpacked, become, first = container.requests
    assert unpacked["run"][1:] == [programs.PACKER, "/hwb/answer.json", "unpack", "/hwb/env.parcel", "/hwb/env"]
    assert become["become"][0] == "/hwb/env/bin/python"
    assert become["empty"] == []
    assert first["preload"][0] == "flit_core.buildapi"


def test_an_interpreter_that_imports_nothing_ahead_has_a_host_that_is_a_cpython(sessions: Sessions) -> None:
    sessions.make().launcher(changed(MADE, is_hosted=False), sessions.backend())
    (container,) = sessions.api.made.values()
    assert container.config["Cmd"][0] == PYTHON


def test_a_limit_that_does_not_hold_is_an_error_and_leaves_no_container(sessions: Sessions) -> None:
    with pytest.raises(IsolationError, match="does not hold the container to its memory_limit"):
        sessions.make(DockerConfig(memory_limit="64m")).launcher(MADE, sessions.backend())
    sessions.open.pop().close()
    assert sessions.api.gone == list(sessions.api.made)


def test_hooks_of_one_backend_share_a_container_until_the_session_ends(sessions: Sessions) -> None:
    session = sessions.make()
    assert session.launcher(MADE, sessions.backend()) is session.launcher(MADE, sessions.backend())
    session.launcher(MADE, changed(sessions.backend(), name="other"))
    assert len(sessions.api.made) == 2
    assert sessions.api.gone == []
    sessions.open.pop().close()
    assert sorted(sessions.api.gone) == sorted(sessions.api.made)


def test_containers_are_kept_if_that_is_wanted(sessions: Sessions) -> None:
    session = sessions.make(DockerConfig(keep_container=True))
    session.launcher(MADE, sessions.backend())
    session.keep()
    (kept,) = [event.message for event in sessions.recorder.of(Noticed)]
    assert "docker exec -it -w /hwb/source/1/pkg hwb-" in kept
    assert len(sessions.api.made) == 2


def test_containers_are_not_kept_otherwise(sessions: Sessions) -> None:
    session = sessions.make()
    session.launcher(MADE, sessions.backend())
    session.keep()
    assert len(sessions.api.made) == 1


def test_a_container_that_cannot_be_kept_does_not_hide_why_the_build_failed(sessions: Sessions) -> None:
    session = sessions.make(DockerConfig(keep_container=True))
    for name in ("a", "b"):
        session.launcher(MADE, changed(sessions.backend(), name=name))
    first = next(iter(sessions.api.made))
    sessions.api.made.pop(first).stream.close()
    session.keep()
    (warning,) = [event.message for event in sessions.recorder.of(Warned)]
    assert warning.startswith("The container is not kept: ")
    assert f"No such container: {first}" in warning
    # The other one is.
    assert len(sessions.recorder.of(Noticed)) == 1


def test_nothing_can_be_fetched_before_it_was_built(sessions: Sessions) -> None:
    with (
        sessions.make().provision(["flit_core"]) as environment,
        pytest.raises(IsolationError, match="Nothing was built"),
    ):
        environment.fetch("wheel", "/stage", "a.whl")

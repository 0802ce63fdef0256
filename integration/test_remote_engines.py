"""A wheel is the same wherever the engine is that it is built on, and nothing of a build stays there.

The engines are a Docker engine without an init behind TLS, the same behind ssh, and podman.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker
import projects
import pytest
import remotes
from certificates import Authority
from containers import IMAGE, PYTHON
from frontends import Frontends, Run, members, refused

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect

pytestmark = [
    # Each worker that runs one of these makes the engines for itself.
    pytest.mark.xdist_group("remote engines"),
    pytest.mark.timeout(600),
    # An engine is ended by its id.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

IN_CONTAINER = ("--wheel", "-v", "--isolation", "docker", "--image", IMAGE, "--python", PYTHON)
WITHOUT_INIT = "Containers have no init, as the engine cannot start it"
HANG = """
def build_wheel(*_):
    import time
    time.sleep(600)
"""
NOBODY = 65534

Environ = dict[str, str]


def needs(*programs: str) -> None:
    """Go on if programs are installed, and root runs the tests."""
    missing = [name for name in programs if not shutil.which(name, path=remotes.PROGRAMS)]
    if missing or os.getuid():
        lacks(f"needs root, and {', '.join(missing)}")


def lacks(what: str) -> None:
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="module")
def place() -> Iterator[Callable[[str], Path]]:
    """Make empty folders, with paths that are short enough for podman and for sockets."""
    with tempfile.TemporaryDirectory(prefix="hwb-", ignore_cleanup_errors=True) as folder:

        def make(name: str) -> Path:
            made = Path(folder, name)
            made.mkdir()
            return made

        yield make


@pytest.fixture(scope="module")
def over_tls(engine: str, place: Callable[[str], Path]) -> Iterator[Environ]:
    needs("dockerd", "iptables", "ip", "openssl")
    with remotes.behind_tls(place("tls"), engine, IMAGE) as env:
        yield env


@pytest.fixture(scope="module")
def second(over_tls: Environ) -> str:
    """Where the engine behind TLS is for those on its machine."""
    return str(Path(over_tls["DOCKER_CERT_PATH"]).parent / "engine" / "docker.sock")


@pytest.fixture(scope="module")
def over_ssh(second: str, place: Callable[[str], Path]) -> Iterator[Environ]:
    needs("ssh", "sshd", "ssh-keygen")
    with remotes.behind_ssh(place("ssh"), second) as env:
        yield env


@pytest.fixture(scope="module")
def store(place: Callable[[str], Path]) -> Iterator[Path]:
    needs("podman", "ip")
    with remotes.podman_store(place("store")) as store:
        yield store


@pytest.fixture(scope="module")
def podman(engine: str, store: Path, place: Callable[[str], Path]) -> Iterator[Environ]:
    with remotes.podman(place("podman"), store=store) as address:
        remotes.copy(engine, address, IMAGE)
        yield {**remotes.NO_OTHER, "DOCKER_HOST": address}


@pytest.fixture(scope="module")
def podman_without_init(podman: Environ, store: Path, place: Callable[[str], Path]) -> Iterator[Environ]:
    """Be podman with the same images, where an administrator took the init away."""
    with remotes.podman(place("no-init"), store=store, init=False) as address:
        yield {**podman, "DOCKER_HOST": address}


@pytest.fixture(scope="module")
def wheel(engine: str, place: Callable[[str], Path]) -> Path:
    """Return the wheel that the first engine makes."""
    run = build(Frontends(place("first")), projects.setuptools_c, {**remotes.NO_OTHER, "DOCKER_HOST": engine})
    assert WITHOUT_INIT not in run.stderr
    return artifact(run)


def build(frontends: Frontends, make: Callable[[Path], Path], env: Mapping[str, str]) -> Run:
    root = frontends.folder / "root"
    root.mkdir()
    return frontends.ours(*IN_CONTAINER, root=root, cwd=make(root), env=env)


def artifact(run: Run) -> Path:
    assert run.exit_code == 0, run.stderr
    (made,) = run.artifacts.values()
    return made


def same(one: Path, other: Path) -> None:
    """Check that wheels have one name, thus the same tags, and the same members, RECORD among them."""
    assert one.name == other.name
    assert members(one) == members(other)


@pytest.mark.parametrize(
    ("name", "has_init"), [("over_tls", False), ("over_ssh", False), ("podman", True), ("podman_without_init", False)]
)
def test_a_wheel_is_the_same_from_every_engine(
    frontends: Frontends, wheel: Path, request: pytest.FixtureRequest, name: str, *, has_init: bool
) -> None:
    run = build(frontends, projects.setuptools_c, request.getfixturevalue(name))
    same(artifact(run), wheel)
    assert (WITHOUT_INIT not in run.stderr) == has_init


@pytest.mark.parametrize("name", ["over_tls", "over_ssh"])
def test_a_context_leads_to_the_same_engine(
    frontends: Frontends, wheel: Path, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    env = remotes.context(tmp_path / "docker", request.getfixturevalue(name))
    same(artifact(build(frontends, projects.setuptools_c, env)), wheel)


def sees(client: docker.APIClient, place: str) -> bool:
    """Tell whether something is mounted there in a container that runs."""
    for one in client.containers():
        with contextlib.suppress(docker.errors.APIError):  # those for requirements come and go
            if any(mount["Destination"] == place for mount in client.inspect_container(one["Id"])["Mounts"]):
                return True
    return False


@pytest.mark.parametrize("name", ["over_tls", "over_ssh", "podman"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_a_build_that_is_ended(
    frontends: Frontends, request: pytest.FixtureRequest, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    env: Environ = request.getfixturevalue(name)
    near = env["DOCKER_HOST"] if name == "podman" else f"unix://{request.getfixturevalue('second')}"
    project = projects.demo(tmp_path, HANG)
    # With it hooks have a container of their own, which can be told from others.
    mount = ("--mount", f"{tmp_path}:/seen")
    with contextlib.closing(docker.APIClient(near, version="auto")) as client:
        running = frontends.start("ours", *IN_CONTAINER, *mount, root=tmp_path, cwd=project, env=env)
        try:
            remotes.wait_until(lambda: sees(client, "/seen"))
            running.signal(number, group=False)
            run = running.finish(seconds=20)
        finally:
            running.kill()
        remotes.wait_until(lambda: client.containers(filters={"label": "headless-wheel-builder"}) == [])
    assert (run.exit_code, run.survivors) == (128 + number, ())
    assert list(running.temporary.rglob("engine.sock")) == []


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"DOCKER_CONTEXT": "nowhere"}, "There is no Docker context 'nowhere'"),
        ({"DOCKER_HOST": "unix:///nonexistent.sock"}, "No container engine answers at unix:///nonexistent.sock"),
        ({"DOCKER_HOST": "ssh://-oProxyCommand=x"}, "is no address of an engine"),
    ],
)
def test_where_no_engine_is_the_letter_says_who_named_it(
    frontends: Frontends, tmp_path: Path, env: Environ, words: str
) -> None:
    project = projects.demo(tmp_path)
    refused(
        frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env={**remotes.NO_OTHER, **env}),
        words,
        next(iter(env)) if "HOST" not in words else "",
    )


def test_an_engine_of_a_strange_authority_is_not_talked_to(
    frontends: Frontends, over_tls: Environ, tmp_path: Path
) -> None:
    strange = Authority(tmp_path / "authority").issue(tmp_path / "strange")
    project = projects.demo(tmp_path)
    run = frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env={**over_tls, "DOCKER_CERT_PATH": str(strange)})
    refused(run, "certificate verify failed", f"Put the CA that signed the engine's certificate into {strange}")


def test_a_client_without_a_certificate_is_told_what_it_needs(
    frontends: Frontends, over_tls: Environ, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    shutil.copy(Path(over_tls["DOCKER_CERT_PATH"], "ca.pem"), tmp_path / "none")
    project = projects.demo(tmp_path)
    env = {**over_tls, "DOCKER_CERT_PATH": str(tmp_path / "none")}
    run = frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env=env)
    refused(run, "Put a certificate that the engine accepts")
    plain = frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env={**over_tls, "DOCKER_TLS_VERIFY": ""})
    refused(plain, "HTTPS server", "Set DOCKER_TLS_VERIFY=1")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("@127.0.0.1:", "@localhost:"), ("Host key verification failed.", "Log in once, to check the key")),
        (("/engine/", "/none/"), ("open failed", "the engine's socket, and may the account use it?")),
    ],
)
def test_an_ssh_that_gets_nowhere_says_so(
    frontends: Frontends, over_ssh: Environ, tmp_path: Path, changed: tuple[str, str], words: tuple[str, str]
) -> None:
    project = projects.demo(tmp_path)
    env = {**over_ssh, "DOCKER_HOST": over_ssh["DOCKER_HOST"].replace(*changed)}
    refused(frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env=env), *words)


def test_an_account_without_a_key_is_told_how_to_load_one(
    frontends: Frontends, over_ssh: Environ, tmp_path: Path
) -> None:
    project = projects.demo(tmp_path)
    env = {**over_ssh, "DOCKER_HOST": over_ssh["DOCKER_HOST"].replace("ssh://", "ssh://nobody-")}
    refused(frontends.ours(*IN_CONTAINER, root=tmp_path, cwd=project, env=env), "Permission denied", "ssh-add")


def test_a_socket_is_not_for_everybody(second: str) -> None:
    assert "Permission denied.\nAdd yourself to the group `docker`" in said_to_nobody(second)
    # The SDK leaves the socket that it could not connect to whoever collects it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def said_to_nobody(socket: str) -> str:
    """Return what a user is told who has no rights at all."""
    os.seteuid(NOBODY)
    try:
        connect(Endpoint(f"unix://{socket}"), 10).close()
    except IsolationError as error:
        return str(error)
    finally:
        os.seteuid(0)
    return "it answers"

"""Hooks without a network, through the command line: they reach nobody, whoever runs them and however.

A listener of each kind that only the network leads to counts who reaches it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import local_index
import projects
import pytest
import uv
from frontends import Frontends, Run, left_nothing, refused
from local_index import Index
from test_hosts import interpreters

import headless_wheel_builder

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [os.fspath(TESTS), os.fspath(TESTS / "hooks")]

from namespaces import can_leave_network  # noqa: E402
from pretenders import pythons  # noqa: E402

WHEEL = "demo-1.0-py3-none-any.whl"
ALL_HOOKS = ("get_requires_for_build_sdist", "build_sdist", "get_requires_for_build_wheel", "build_wheel")
NOBODY = 65534
BECOME = f"""
import os, sys
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""
# Where an interpreter that does not have our package finds it.
OURS = os.pathsep.join(os.path.dirname(os.path.dirname(str(one.__file__))) for one in (headless_wheel_builder, uv))
BACKEND = '[build-system]\nrequires = ["trying"]\nbuild-backend = "trying"\n'
# Below the usual backend, whose hooks begin with `say`: each tries to get out, and tells how that went.
TRYING = """
import socket

def reaches(family, kind, address):
    with socket.socket(family, kind) as tried:
        tried.settimeout(5)
        try:
            tried.connect(address)
            tried.send(b"?")
            return tried.recv(1) == b"!"
        except OSError:
            return False

def has_loopback():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with socket.create_connection(server.getsockname(), timeout=5) as one, server.accept()[0] as other:
            other.sendall(b"!")
            return one.recv(1) == b"!"

def parent():
    with open("/proc/%d/cmdline" % os.getppid(), "rb") as file:
        return file.read().split(b"\\0")

def has_module(name):
    try:
        return bool(__import__(name))
    except ImportError:
        return False

def say(hook, config_settings):
    kinds = {
        "server": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", TCP)),
        "name server": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", UDP)),
        "name": (socket.AF_UNIX, socket.SOCK_STREAM, ABSTRACT),
    }
    seen = {
        "hook": hook,
        "reached": [name for name, kind in kinds.items() if reaches(*kind)],
        "loopback": has_loopback(),
        "forked": any(part.endswith(b"host.py") for part in parent()),
        "python": list(sys.version_info[:2]),
        "user": os.getuid(),
        "has asked": has_module("asked"),
    }
    with open(TOLD, "a") as file:
        file.write(json.dumps(seen) + "\\n")
"""


class Outside:
    """What only the network leads to: a server, something like a name server, and a socket without a file."""

    def __init__(self) -> None:
        self.reached = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._names.bind(("127.0.0.1", 0))
        self._abstract = socket.socket(socket.AF_UNIX)
        self.name = f"\0hwb-test-{os.urandom(8).hex()}"
        self._abstract.bind(self.name)
        self._abstract.listen()
        self.tcp, self.udp = (one.getsockname()[1] for one in (self._server, self._names))

    def __enter__(self) -> Outside:  # noqa: PYI034 - typing.Self came with 3.11
        for answer in (self._answer, self._answer_names):
            for listener in (self._server, self._abstract) if answer == self._answer else (self._names,):
                threading.Thread(target=answer, args=[listener], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._server, self._abstract, self._names):
            one.close()

    def _answer(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.reached += 1
            with connection:
                connection.recv(1)
                connection.sendall(b"!")

    def _answer_names(self, listener: socket.socket) -> None:
        while True:
            try:
                _, sender = listener.recvfrom(100)
            except OSError:
                return
            self.reached += 1
            listener.sendto(b"!", sender)


class World:
    """A folder that everybody may write to, projects in it, an index, and what is outside."""

    def __init__(self, folder: Path, frontends: Frontends, outside: Outside, index: Index) -> None:
        self.folder = folder
        self.frontends = frontends
        self.outside = outside
        self.index = index
        self.told = folder / "told"
        self.root = folder / "w"
        self.root.mkdir()
        self.root.chmod(0o777)
        self.env = {
            "HWB_CACHE_DIR": os.fspath(folder / "cache"),
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": os.fspath(folder / "uv"),
        }

    def in_tree(self, change: str = "") -> Path:
        """Make a project with a backend of its own, whose hooks get fresh interpreters."""
        return self._open(projects.demo(self.root, self._trying() + change))

    def installed(self, *, asked: Sequence[str] = (), change: str = "") -> Path:
        """Make a project with a backend from the index, whose hooks are forked.

        :param asked: what its hook asks for
        """
        asking = f"REQUIRES['wheel'] = {list(asked)!r}\n"
        self.index.publish("trying", "1.0", local_index.backend("1.0", self._trying() + asking + change))
        return self._open(projects.write(self.root / "demo", {"pyproject.toml": BACKEND, "name": "demo"}))

    def run(self, *argv: str, env: dict[str, str] | None = None, **options: Any) -> Run:
        """Run the command line."""
        running = self.frontends.start("ours", *argv, root=self.root, env={**self.env, **(env or {})}, **options)
        run = running.finish()
        left_nothing(run)
        return run

    def seen(self, *argv: str, **options: Any) -> list[dict[str, Any]]:
        """Return what each hook saw that was called in a build of the project."""
        run = self.run(*argv, "demo", **options)
        assert run.exit_code == 0, run.stderr
        lines = self.told.read_text().splitlines()
        self.told.unlink()
        return [json.loads(line) for line in lines]

    def _trying(self) -> str:
        outside = self.outside
        facts = {"TOLD": os.fspath(self.told), "TCP": outside.tcp, "UDP": outside.udp, "ABSTRACT": outside.name}
        return "".join(f"{name} = {fact!r}\n" for name, fact in facts.items()) + TRYING

    def _open(self, project: Path) -> Path:
        # To a user that owns none of it.
        project.chmod(0o777)
        return project


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that everybody can reach; those of pytest are its user's."""
    folder = Path(tempfile.mkdtemp(prefix="hwb-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    if not can_leave_network():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("this system lets nobody leave the network: see docs/command-line.md")
    with Outside() as outside, Index() as index:
        yield World(folder, Frontends(folder), outside, index)


def has_no_network(seen: list[dict[str, Any]]) -> None:
    assert seen
    assert [one["reached"] for one in seen] == [[]] * len(seen)
    assert all(one["loopback"] for one in seen)


def test_hooks_reach_everything_unless_they_are_forbidden_to(world: World) -> None:
    world.installed()
    seen = world.seen()
    assert [(one["hook"], one["forked"]) for one in seen] == [(hook, True) for hook in ALL_HOOKS]
    assert [one["reached"] for one in seen] == [["server", "name server", "name"]] * 4
    assert world.outside.reached == 12


def test_forked_hooks_reach_nobody_and_what_they_ask_for_is_installed(world: World) -> None:
    world.index.publish("asked", "1.0", "")
    world.installed(asked=["asked"])
    for _ in range(2):  # the second time, their hosts are started ahead
        seen = world.seen("--no-network")
        assert [(one["hook"], one["forked"]) for one in seen] == [(hook, True) for hook in ALL_HOOKS]
        has_no_network(seen)
        assert [one["has asked"] for one in seen] == [False, False, False, True]
    assert world.outside.reached == 0


# Below `TRYING`: leaves in its environment what every interpreter runs that is started there.
LEAVING = """
def get_requires_for_build_wheel(config_settings=None, plain=get_requires_for_build_wheel):
    import sysconfig
    with open(sysconfig.get_path("purelib") + "/left.pth", "w") as file:
        file.write(f"import socket; socket.create_connection(('127.0.0.1', {TCP}))\\n")
    return plain(config_settings)
"""


@pytest.mark.parametrize("argv", [[], ["--fresh-env"], ["--env-dir", "env"]], ids=["kept", "fresh", "in a folder"])
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_a_hook_leaves_in_its_environment_is_not_run_by_an_installer(
    world: World, argv: list[str], installer: str
) -> None:
    world.index.publish("asked", "1.0", "")
    world.installed(asked=["asked"], change=LEAVING)
    env = {"PIP_INDEX_URL": world.index.url, "PIP_FIND_LINKS": ""}
    seen = world.seen("-w", "--no-network", "--installer", installer, *argv, env=env)
    # A build in an environment that was kept begins again when that is found to be changed.
    assert (seen[0]["has asked"], seen[-1]["has asked"]) == (False, True)
    assert world.outside.reached == 0


@pytest.mark.parametrize("isolation", [[], ["-n"]], ids=["venv", "none"])
def test_hooks_of_an_in_tree_backend_reach_nobody(world: World, isolation: list[str]) -> None:
    world.in_tree()
    seen = world.seen("--no-network", *isolation)
    assert [(one["hook"], one["forked"]) for one in seen] == [(hook, True) for hook in ALL_HOOKS]
    has_no_network(seen)
    assert world.outside.reached == 0


def test_metadata_is_had_without_a_network_too(world: World) -> None:
    world.in_tree()
    seen = world.seen("--no-network", "--metadata")
    assert [one["hook"] for one in seen] == ["get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"]
    has_no_network(seen)


@pytest.mark.parametrize("python", interpreters())
def test_hooks_of_other_interpreters_reach_nobody(world: World, python: str) -> None:
    version = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=True
    )
    for make in (world.in_tree, world.installed):
        make()
        seen = world.seen("-w", "--no-network", "--python", python)
        has_no_network(seen)
        assert {tuple(one["python"]) for one in seen} == {tuple(map(int, version.stdout.split()))}
        shutil.rmtree(world.root / "demo")
    assert world.outside.reached == 0


def test_hooks_of_many_targets_reach_nobody(world: World) -> None:
    found = interpreters()
    world.in_tree("TAG = 'cp%d%d-none-any' % sys.version_info[:2]\n")
    seen = world.seen("--no-network", "--jobs", "2", *pythons(*map(Path, found)))
    assert sorted(one["hook"] for one in seen) == sorted((*ALL_HOOKS[:2], *ALL_HOOKS[2:] * len(found)))
    has_no_network(seen)
    assert len(list((world.root / "demo" / "dist").glob("*.whl"))) == len(found)
    assert world.outside.reached == 0


def as_nobody() -> tuple[list[str], str]:
    """Return what starts a program as a user without rights, and the interpreter of ours that this user can read."""
    prefix = [sys.executable, "-c", BECOME]
    looking = "import headless_wheel_builder.cli.command, uv; uv.find_uv_bin()"
    for python in (sys.executable, "/usr/bin/python3"):
        argv = [*prefix, python, "-c", looking]
        if subprocess.run(argv, env={"PYTHONPATH": OURS}, capture_output=True, check=False).returncode == 0:
            return prefix, python
    pytest.skip("an ordinary user can read no interpreter")


@pytest.mark.skipif(os.geteuid() != 0, reason="all other tests here are run by an ordinary user already")
def test_hooks_of_an_ordinary_user_reach_nobody_and_what_they_make_is_theirs(world: World) -> None:
    prefix, python = as_nobody()
    env = {"HOME": os.fspath(world.folder), "PYTHONPATH": OURS}
    world.installed()
    seen = world.seen("--no-network", prefix=prefix, env=env, python=python)
    assert [(one["hook"], one["forked"], one["user"]) for one in seen] == [(hook, True, NOBODY) for hook in ALL_HOOKS]
    has_no_network(seen)
    assert (world.root / "demo" / "dist" / WHEEL).stat().st_uid == NOBODY
    assert world.outside.reached == 0


@pytest.mark.parametrize("how", ["variable", "table"])
def test_a_network_that_is_configured_away_is_gone_in_the_very_next_build(world: World, how: str) -> None:
    project = world.installed()
    assert world.seen("-w")[0]["reached"]
    if how == "table":
        project.joinpath("pyproject.toml").write_text(f"{BACKEND}[tool.headless-wheel-builder]\nnetwork = false\n")
    env = {"HWB_NETWORK": "0"} if how == "variable" else {}
    reached = world.outside.reached
    has_no_network(world.seen("-w", env=env))
    assert world.outside.reached == reached


def test_a_hook_without_a_network_ends_with_the_build(world: World) -> None:
    begun = world.folder / "begun"
    world.in_tree(
        f"\ndef build_sdist(*_):\n    open({os.fspath(begun)!r}, 'w').close()\n    import time; time.sleep(600)\n"
    )
    running = world.frontends.start("ours", "--no-network", "demo", root=world.root, env=world.env)
    running.wait_for(begun)
    running.signal(signal.SIGINT, group=False)
    run = running.finish()
    left_nothing(run)
    assert run.exit_code == 130, run.stderr


NO_NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


@pytest.mark.parametrize("argv", [["--no-network"], ["-n", "--no-network"], ["--metadata", "--no-network"]], ids=str)
def test_a_system_that_forbids_it_is_an_error_and_no_hook_is_called(world: World, argv: list[str]) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare, to have a system that forbids it")
    world.in_tree()
    # Inside another namespace, where whoever is root of it may forbid any further one.
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES, "sh"]
    run = world.run(*argv, "demo", prefix=prefix)
    refused(
        run, "ERROR Hooks cannot be kept from the network here", "user.max_user_namespaces is 0", "--isolation docker"
    )
    assert not world.told.exists()

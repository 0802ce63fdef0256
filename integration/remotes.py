"""Engines as they are elsewhere: one behind TLS, one behind ssh, and podman's.

Each gives the variables with which a command line finds it.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker
from certificates import Authority
from engine import running

DEADLINE = 30.0
# What Debian does not put on the PATH of everybody.
PROGRAMS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
NO_INIT = "/nonexistent/init"
# What else names an engine.
NO_OTHER = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "", "DOCKER_TLS_VERIFY": "", "DOCKER_TLS": "", "DOCKER_CERT_PATH": ""}
# What podman's network plugins add for all containers, and leave.
FIREWALL = ("FORWARD", "-m", "comment", "--comment", "CNI firewall plugin rules", "-j", "CNI-FORWARD")
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
{more}
[network]
network_config_dir = "{folder}/networks"
"""
SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
CLIENT = """\
Host *
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  GlobalKnownHostsFile none
"""


@contextlib.contextmanager
def behind_tls(folder: Path, first: str, image: str) -> Iterator[dict[str, str]]:
    """Have a second engine, without an init, at a port that takes nobody without a certificate.

    :param folder: an empty one, for all that it has
    :param first: the engine that has the image
    """
    certificates = Authority(folder / "authority").issue(folder / "certificates")
    port = free_port()
    files = {"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"}
    options = [f"--{option}={certificates / name}" for option, name in files.items()]
    with running(
        folder / "engine", f"--host=tcp://127.0.0.1:{port}", "--tlsverify", f"--init-path={NO_INIT}", *options
    ) as near:
        copy(first, near, image)
        yield {
            **NO_OTHER,
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(certificates),
        }


@contextlib.contextmanager
def behind_ssh(folder: Path, engine_socket: str) -> Iterator[dict[str, str]]:
    """Have an ssh server on this machine, and an `ssh` on PATH that may log in there.

    :param folder: an empty one
    """
    port = free_port()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "server").write_text(SERVER.format(folder=folder, port=port))
    (folder / "client").write_text(CLIENT.format(folder=folder))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/client "$@"\n')
    program.chmod(0o755)
    # Where the server's unprivileged part is.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = shutil.which("sshd", path=PROGRAMS) or "sshd"
    with process([server, "-D", "-e", "-f", str(folder / "server")], folder / "log"):
        wait_for_port(port, folder / "log")
        yield {
            **NO_OTHER,
            "DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{port}{engine_socket}",
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        }


@contextlib.contextmanager
def podman(folder: Path, *, store: Path, init: bool = True) -> Iterator[str]:
    """Have podman's service, and return its address.

    :param folder: an empty one
    :param store: where its images are
    """
    more = "" if init else f'init_path = "{NO_INIT}"'
    configuration = folder / "containers.conf"
    configuration.write_text(CONTAINERS.format(more=more, folder=folder))
    places = [f"--{option}={store / option}" for option in ("root", "runroot", "tmpdir")]
    argv = ["podman", *places, "--storage-driver=overlay", "system", "service", "--time=0", f"unix://{folder}/p.sock"]
    with process(argv, folder / "log", {"CONTAINERS_CONF": str(configuration)}):
        wait_until((folder / "p.sock").exists, folder / "log")
        yield f"unix://{folder}/p.sock"


@contextlib.contextmanager
def podman_store(folder: Path) -> Iterator[Path]:
    """Have a place for podman's images, and take away what podman leaves.

    :param folder: an empty one
    """
    bridge = Path("/sys/class/net/cni-podman0")
    was_there = bridge.exists()
    yield folder
    subprocess.run(["umount", str(folder / "root" / "overlay")], check=False)
    if bridge.exists() and not was_there:
        subprocess.run(["ip", "link", "delete", bridge.name], check=False)
        subprocess.run(["iptables", "-D", *FIREWALL], check=False)


def context(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Write what `docker context create` and `docker context use` would; return the variables that lead there."""
    name = "far"
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta, tls = folder / "contexts" / "meta" / digest, folder / "contexts" / "tls" / digest / "docker"
    meta.mkdir(parents=True)
    endpoint = {"Host": env["DOCKER_HOST"], "SkipTLSVerify": False}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    if certificates := env["DOCKER_CERT_PATH"]:
        shutil.copytree(certificates, tls)
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))
    return {**env, **NO_OTHER, "DOCKER_CONFIG": str(folder)}


def copy(source: str, sink: str, image: str) -> None:
    """Have an engine have an image of another one."""
    with (
        contextlib.closing(docker.APIClient(source, version="auto", timeout=300)) as one,
        contextlib.closing(docker.APIClient(sink, version="auto", timeout=300)) as other,
    ):
        for message in other.load_image(one.get_image(image)):
            assert "error" not in message, message


@contextlib.contextmanager
def process(argv: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Have a program run."""
    with log.open("wb") as said:
        started = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **(env or {})}
        )
    try:
        yield
    finally:
        started.terminate()
        started.wait(DEADLINE)


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, log: Path) -> None:
    """Wait until somebody listens."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, log)


def wait_until(condition: Callable[[], bool], log: Path | None = None) -> None:
    """Wait until something is so."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, log.read_text() if log else "not so"
        time.sleep(0.05)

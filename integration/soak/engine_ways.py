"""The ways to an engine: its socket, TLS and ssh."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from frontends import command_of, read
from integration.soak.engine_faults import Scene
from integration.soak.faulty_engine import FaultyEngine
from own_engine import OwnEngine
from remotes import NO_OTHER, PROGRAMS, behind_ssh


class Ways:
    """The ways to one engine.

    :param folder: an empty one
    :param tls: the address of its port, and the folder with the certificates
    """

    def __init__(self, folder: Path, own: OwnEngine, tls: tuple[str, Path]) -> None:
        self._folder = folder
        self._own = own
        self._tls = tls

    @contextlib.contextmanager
    def open(self, way: str) -> Iterator[tuple[Scene, Mapping[str, str]]]:
        """Have one, and the variables with which a build finds it."""
        if way == "TLS":
            address, certificates = self._tls
            with FaultyEngine(self._own.host, address, is_tcp=True) as engine:
                env = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": os.fspath(certificates)}
                yield Scene(self._own, engine, _nothing), {**NO_OTHER, **env, "DOCKER_HOST": engine.host}
            return
        with FaultyEngine(self._own.host) as engine:
            if way == "socket":
                yield Scene(self._own, engine, _nothing), {**NO_OTHER, "DOCKER_HOST": engine.host}
                return
            folder = self._folder / "ssh"
            folder.mkdir()
            with behind_ssh(folder, engine.host.removeprefix("unix://")) as env:
                yield Scene(self._own, engine, lambda: _drop(folder)), env


def is_there(way: str) -> bool:
    """Tell whether this machine has what a way needs."""
    return way != "ssh" or all(shutil.which(name, path=PROGRAMS) for name in ("ssh", "sshd", "ssh-keygen"))


def _nothing() -> None:
    pass


def _drop(folder: Path) -> None:
    """End those processes of the ssh server that each have a connection."""
    parents = {pid: _parent(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
    below = {pid for pid in parents if "sshd" in command_of(pid) and os.fspath(folder) in command_of(pid)}
    server = set(below)
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    for pid in below - server:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    fields = read(Path("/proc", str(pid), "stat")).rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0

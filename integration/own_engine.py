"""A container engine of one test's own, which it may end: dockerd with one image of the engine of all tests."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import docker
import pytest
from watched_engine import connected

# With an interpreter, and no tools.
IMAGE = "hwb-test/clean_2_36"
SECONDS = 60.0


class OwnEngine:
    """dockerd, with a bridge and folders of its own; a context manager that has it run.

    :param other: the address of an engine that has the image
    :param arguments: of `dockerd`, beside what makes it private
    :param disk: how big the disk is where it keeps images, as mount(8) has it; None for as big as that of the machine
    """

    def __init__(self, other: str, *arguments: str, disk: str | None = None) -> None:
        if os.geteuid() or not all(map(shutil.which, ("dockerd", "ip"))):
            pytest.skip("only root can start an engine, with dockerd and ip")
        self._other = other
        self._arguments = arguments
        self._disk = disk
        self._folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self._bridge = f"hwbt{random.randrange(10**6)}"
        self.host = f"unix://{self._folder}/s"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OwnEngine:  # noqa: PYI034 - typing.Self came with 3.11
        address = f"10.{random.randrange(64, 250)}.{random.randrange(256)}.1/24"
        _run("ip", "link", "add", "name", self._bridge, "address", "02:42:00:00:00:01", "type", "bridge")
        try:
            _run("ip", "addr", "add", address, "dev", self._bridge)
            _run("ip", "link", "set", self._bridge, "up")
            if self._disk is not None:
                self.data.mkdir()
                _run("mount", "-t", "tmpfs", "-o", f"size={self._disk}", "tmpfs", str(self.data))
            self.start()
            with contextlib.closing(docker.APIClient(self._other)) as other, contextlib.closing(self.api()) as api:
                for _ in api.load_image(other.get_image(IMAGE), quiet=True):
                    pass
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self._folder / "log").exists():
            self.end(signal.SIGKILL)
            for process in _below(self._folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        _run("ip", "link", "del", self._bridge)
        _unmount(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)

    def api(self) -> docker.APIClient:
        """Return a connection to it."""
        return docker.APIClient(self.host, version="1.41")

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        folder = self._folder
        options = [f"--{name}={folder}/{name}" for name in ("data-root", "exec-root")]
        # A process that has ended, and that nobody has waited for yet, would count as one that runs.
        (folder / "exec-root" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "-H", self.host, *options, f"--pidfile={folder}/pid", f"--bridge={self._bridge}"]
                + [f"--{name}=false" for name in ("iptables", "ip-masq", "ip-forward")]
                + list(self._arguments),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()

    def end(self, number: signal.Signals) -> None:
        """End it: SIGTERM has it stop its containers, and SIGKILL leaves them running until it starts again."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(SECONDS)
        # Else the next one takes it for itself, if the id is in use again.
        (self._folder / "pid").unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, which it need not notice."""
        if self._process is not None:
            self._process.send_signal(number)

    def containerd(self) -> int:
        """Return the process of the containerd that it has started."""
        return int((self._folder / "exec-root" / "containerd" / "containerd.pid").read_text())

    def wait(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + SECONDS
        while not self._answers():
            assert time.monotonic() < end, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    @property
    def data(self) -> Path:
        """Where it keeps what it has."""
        return self._folder / "data-root"

    def _answers(self) -> bool:
        # Not by the SDK, which forgets sockets that nobody listens to without closing them.
        with contextlib.suppress(OSError), connected(self.host) as connection:
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return connection.recv(1) != b""
        return False


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _below(folder: Path) -> list[int]:
    """Return the processes that were started for an engine: its containerd, and what that starts for containers."""
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and os.fsencode(folder) in _arguments(process)
    ]


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _unmount(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)

"""A private Docker engine: `python integration/engine.py start FOLDER` prints its address, `stop FOLDER` ends it.

It shares nothing with other engines of the machine: neither images, nor a bridge, nor a containerd.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

DEADLINE = 60.0
ATTEMPTS = 4
LAST_LINES = 20
EMULATORS = Path("/proc/sys/fs/binfmt_misc")
INTERFACES = Path("/sys/class/net")


class EngineError(Exception):
    """An engine did not start."""


class FirewallError(EngineError):
    """The engine's rules of the firewall were changed by another while it wrote them."""


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """Have an engine for a while."""
    try:
        yield start(folder, *arguments)
    finally:
        stop(folder)


def start(folder: Path, *arguments: str) -> str:
    """Start an engine and return its address once it answers there.

    :param folder: for everything that it writes; images stay there for the next one
    :param arguments: of `dockerd`, beside what makes it private; with `--host` it listens there too
    """
    if not shutil.which("dockerd"):
        raise EngineError("dockerd is not installed")
    for _ in range(ATTEMPTS):
        # Nothing keeps two engines from writing the same chains at once: iptables-nft has no lock.
        with contextlib.suppress(FirewallError):
            return _start(folder, *arguments)
        time.sleep(1)
    return _start(folder, *arguments)


def _start(folder: Path, *arguments: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"hwb{uuid.uuid4().hex[:8]}"
    (folder / "bridge").write_text(name)
    add_bridge(name)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command(folder, name, *arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait(folder, process)
    except EngineError:
        stop(folder)
        raise
    return address(folder)


def address(folder: Path) -> str:
    """Return where the engine of a folder is."""
    return f"unix://{folder.resolve()}/docker.sock"


def command(folder: Path, name: str, *arguments: str) -> list[str]:
    """Return the command line of an engine that has a bridge and a containerd of its own."""
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    options = [f"--{option}={folder.resolve() / place}" for option, place in places.items()]
    options += [f"--bridge={name}", f"--containerd-namespace={name}", f"--containerd-plugins-namespace={name}-plugins"]
    return ["dockerd", f"--host={address(folder)}", *options, *arguments]


def wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until an engine answers."""
    end = time.monotonic() + DEADLINE
    while not answers(folder / "docker.sock"):
        if process.poll() is not None or time.monotonic() > end:
            lines = (folder / "log").read_text(errors="replace").splitlines()[-LAST_LINES:]
            kind = FirewallError if any("iptables failed" in line for line in lines) else EngineError
            raise kind("\n".join(("dockerd does not answer; the end of its log:", *lines)))
        time.sleep(0.1)


def answers(path: Path) -> bool:
    """Whether an engine is ready."""
    connection = http.client.HTTPConnection("localhost")
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(DEADLINE)
        connection.sock.connect(os.fspath(path))
        connection.request("GET", "/_ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop(folder: Path) -> None:
    """Stop the engine of a folder, if there is one, and take away what it left outside."""
    with contextlib.suppress(OSError, ValueError):
        end(int((folder / "pid").read_text()))
    with contextlib.suppress(OSError):
        remove_bridge((folder / "bridge").read_text())
        (folder / "bridge").unlink()
    for path in mounts(folder):
        subprocess.run(["umount", "--lazy", path], check=False)


def end(pid: int) -> None:
    """End a process, in its own way if it can."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(pid, number)
        limit = time.monotonic() + DEADLINE / 2
        while time.monotonic() < limit:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)  # raises when it is gone
            time.sleep(0.05)


def mounts(folder: Path) -> list[str]:
    """Return what is mounted below a folder, innermost first."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [path for path in (line.split()[1] for line in reversed(lines)) if path.startswith(f"{folder.resolve()}/")]


def add_bridge(name: str) -> None:
    """Make a bridge with addresses that no other has."""
    taken = subprocess.run(["ip", "-4", "addr"], check=True, stdout=subprocess.PIPE, text=True).stdout
    net = next(net for net in (f"172.30.{number}" for number in itertools.count()) if f" {net}." not in taken)
    for line in (
        # One of its own: else it has that of a container, and another when that goes; those who know the first one
        # would have no network until they ask again.
        ["link", "add", "name", name, "address", _address(), "type", "bridge"],
        ["addr", "add", f"{net}.1/24", "dev", name],
        ["link", "set", name, "up"],
    ):
        subprocess.run(["ip", *line], check=True)


def _address() -> str:
    return ":".join(f"{byte:02x}" for byte in (2, 0x42, *os.urandom(4)))


def remove_bridge(name: str) -> None:
    """Take away a bridge and what the engine told the firewall about it."""
    for table in ("filter", "nat"):
        rules = subprocess.run(["iptables", "-t", table, "-S"], check=False, stdout=subprocess.PIPE, text=True).stdout
        for rule in (line.split() for line in rules.splitlines()):
            if name in rule:
                subprocess.run(["iptables", "-t", table, "-D", *rule[1:]], check=False)
    if (INTERFACES / name).exists():
        subprocess.run(["ip", "link", "delete", name], check=False)


def emulate() -> None:
    """Have programs of other architectures run, where the packages for it are installed."""
    if not shutil.which("update-binfmts"):
        return
    if not (EMULATORS / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", os.fspath(EMULATORS)], check=True)
    if not (EMULATORS / "qemu-aarch64").exists():
        subprocess.run(["update-binfmts", "--enable", "qemu-aarch64"], check=True)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="engine", description=__doc__)
    parser.add_argument("command", choices=["start", "stop"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.command == "stop":
        stop(options.folder)
        return
    emulate()
    try:
        print(start(options.folder))
    except EngineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

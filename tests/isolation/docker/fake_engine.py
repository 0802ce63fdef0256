"""An engine in memory: its containers have a host that speaks real frames, and runs programs which the test wrote."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket, socketpair
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound
from support import Recorder, make_context

from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.images import find_image
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Store
from headless_wheel_builder.process import OnOutput

PYTHON = "/opt/python/cp312-cp312/bin/python"
BASE = "sha256:base"


@dataclass
class Ran:
    """What became of a program."""

    code: int = 0
    printed: str = ""
    files: dict[str, str] = field(default_factory=dict)


# What runs in a container: gets the command line and the whole request; None ends the container.
Program = Callable[[list[str], Frame], Ran | None]


def succeed(_argv: list[str], _request: Frame) -> Ran:
    return Ran()


class FakeContainer:
    """A container, with a host at the other end of a connection."""

    def __init__(self, config: dict[str, Any], program: Program) -> None:
        self.config = config
        self.files: dict[str, bytes] = {}
        self.put_before_start: list[str] = []
        self.requests: list[Frame] = []
        self.is_running = False
        self.may_import = threading.Event()
        self.may_import.set()
        self._program = program
        self._socket, self.stream = socketpair()

    def start(self) -> None:
        self.is_running = True
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with self._socket:
            self._read()
            self._write(1, _framed({"ready": True}))
            while (request := self._read()) is not None:
                self.requests.append(request)
                if "become" in request:
                    self.requests.append(self._read() or {})
                    assert self.may_import.wait(20)
                    self._write(1, _framed({"ready": True}))
                    continue
                argv = [one for one in request["run"][1:] if one != programs.EXECUTE]
                ran = self._program(argv, request)
                if ran is None:
                    return
                self._write(1, _framed({"started": 7}))
                self._write(2, ran.printed.encode() + request["mark"].encode())
                self._write(1, _framed({"ended": ran.code, "files": ran.files}))

    def asked(self) -> Frame | None:
        """Return the next frame that comes."""
        return self._read()

    def answer(self, frame: Frame) -> None:
        """Send a frame."""
        self._write(1, _framed(frame))

    def _read(self) -> Frame | None:
        head = self._exactly(4)
        body = self._exactly(int.from_bytes(head, "big")) if head else b""
        frame: Frame | None = json.loads(body) if body else None
        return frame

    def _exactly(self, count: int) -> bytes:
        parts = b""
        while len(parts) < count:
            try:
                part = self._socket.recv(count - len(parts))
            except OSError:
                part = b""
            if not part:
                return b""
            parts += part
        return parts

    def _write(self, stream: int, content: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            self._socket.sendall(bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content)


def _framed(frame: Frame) -> bytes:
    body = json.dumps(frame).encode()
    return len(body).to_bytes(4, "big") + body


class FakeApi:
    """The part of the docker SDK's client that is used.

    :param program: what runs in its containers
    """

    def __init__(self, program: Program = succeed) -> None:
        self.program = program
        self.listed: list[dict[str, Any]] = []
        self.kept: dict[str, dict[str, Any]] = {BASE: image(BASE)}
        self.made: dict[str, FakeContainer] = {}
        self.gone: list[str] = []
        self.stuck: set[str] = set()
        self.past: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}
        self.left: list[dict[str, Any]] | None = None
        self.paused: list[bool] = []
        self.is_full = False
        self.may_commit = threading.Event()
        self.may_commit.set()
        # What ran beside the hooks, and what becomes of it.
        self.beside: list[tuple[str, list[str], dict[str, str]]] = []
        self.answered: Ran | None = None
        # What repairs wheels is asked whether it is ready, which it then is.
        self.may_be_ready = threading.Event()
        self.may_be_ready.set()
        self._ids = itertools.count(1)

    def close(self) -> None:
        pass

    def info(self) -> dict[str, Any]:
        return {"SystemTime": "2024-05-06T07:08:09.123456789Z"}

    def events(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked = asked
        return iter(self.past)

    def inspect_image(self, reference: str) -> dict[str, Any]:
        found = self.kept.get(BASE if reference.startswith("quay.io/") else reference)
        if found is None:
            raise ImageNotFound(f"No such image: {reference}")
        return found

    def images(self, *, all: bool = False, filters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:  # noqa: A002
        del all
        label = (filters or {}).get("label")
        return [one for one in self.kept.values() if label is None or label in (one["Labels"] or {})]

    def remove_image(self, one: str, *, force: bool = False) -> None:
        del force
        if one in self.stuck:
            raise APIError("conflict", explanation="image is being used")
        del self.kept[one]
        self.gone.append(one)

    def containers(self, *, all: bool, filters: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: A002
        assert all
        return [one for one in self.listed if filters["label"] in one["Labels"]]

    def volumes(self, *, filters: Mapping[str, Any]) -> dict[str, Any]:
        assert filters == {"label": "headless-wheel-builder", "dangling": True}
        return {"Volumes": self.left}

    def remove_volume(self, one: str) -> None:
        self.gone.append(one)

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        return options

    def create_container_config(self, of: str, argv: list[str], **options: Any) -> dict[str, Any]:
        return {"Image": of, "Cmd": argv, **options}

    def create_container_from_config(self, config: dict[str, Any], *, name: str, platform: str) -> dict[str, str]:
        if config["Image"] not in self.kept:
            raise ImageNotFound(f"No such image: {config['Image']}")
        # Engines take the one for the other.
        self.made[name] = FakeContainer({**config, "name": name, "platform": platform}, self.program)
        return {"Id": name}

    def create_container(self, of: str, argv: list[str], **config: Any) -> dict[str, str]:
        options = {"Image": of, "Cmd": argv, "platform": "", **config}
        return self.create_container_from_config(options, name=options.pop("name"), platform="")

    def put_archive(self, one: str, path: str, content: Iterator[bytes]) -> bool:
        assert path == "/"
        with tarfile.open(fileobj=io.BytesIO(b"".join(content))) as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isreg() else None
                self.made[one].files["/" + member.name] = opened.read() if opened else b""
                if not self.made[one].is_running:
                    self.made[one].put_before_start.append("/" + member.name)
        return True

    def attach_socket(self, one: str, params: Mapping[str, int]) -> socket:
        assert params["stdin"]
        return self.made[one].stream

    def start(self, one: str) -> None:
        self.made[one].start()

    def commit(self, one: str, *, conf: dict[str, Any], pause: bool) -> dict[str, str]:
        assert self.may_commit.wait(20)
        self.paused.append(pause)
        if self.is_full:
            raise APIError("failed", explanation="no space left on device")
        if one not in self.made:
            raise NotFound(f"No such container: {one}")
        made = f"sha256:{next(self._ids)}"
        self.kept[made] = image(made, labels=conf["Labels"], of=self.made[one].config["Image"])
        return {"Id": made}

    def exec_create(
        self,
        one: str,
        argv: list[str],
        *,
        environment: Mapping[str, str],
        workdir: str = "",
        stdin: bool = False,
    ) -> dict[str, str]:
        if stdin:
            return {"Id": f"repairer of {one}"}
        assert workdir == "/hwb/asked"
        self.beside.append((one, argv, dict(environment)))
        return {"Id": one}

    def exec_start(self, one: str, *, socket: bool) -> Any:
        assert socket
        if one.startswith("repairer"):
            repairer = FakeContainer({}, lambda _argv, _request: None)
            threading.Thread(target=self._get_ready, args=[repairer], daemon=True).start()
            return repairer.stream
        if self.answered is None:
            raise NotFound(f"No such container: {one}")
        ours, theirs = socketpair()
        with ours:
            for stream, piece in ((2, b"Resolved\n"), (1, self.answered.printed.encode())):
                ours.sendall(bytes([stream, 0, 0, 0]) + len(piece).to_bytes(4, "big") + piece)
        return theirs

    def _get_ready(self, repairer: FakeContainer) -> None:
        while repairer.asked() == {} and self.may_be_ready.wait(20):
            repairer.answer({})
        repairer.close()

    def exec_inspect(self, one: str) -> dict[str, Any]:
        del one
        return {"ExitCode": self.answered and self.answered.code}

    def remove_container(self, one: str, *, force: bool, v: bool) -> None:
        assert force
        assert v
        if one in self.stuck:
            raise APIError("conflict", explanation="it does not go")
        self.gone.append(one)
        if one in self.made:
            self.made[one].close()


def image(
    name: str, *, labels: Mapping[str, str] | None = None, size: int = 1000, of: str = "", architecture: str = "amd64"
) -> dict[str, Any]:
    """Return an image as engines list and describe them."""
    facts = {"Id": name, "Os": "linux", "Architecture": architecture, "Labels": dict(labels or {}), "Size": size}
    return {**facts, "Of": of, "Config": {"Env": ["PATH=/usr/bin", "AUDITWHEEL_PLAT=manylinux_2_28_x86_64"]}}


def engine(api: FakeApi, address: str = "unix:///var/run/docker.sock", source: str = "the default") -> Engine:
    return Engine(api, address, {"Version": "28.0"}, source)


def interpreter(
    path: str = PYTHON, version: Sequence[int] = (3, 12, 1), *, name: str = "cpython", free_threaded: bool = False
) -> dict[str, Any]:
    """Return what `look.py` tells of an interpreter."""
    minor = ".".join(map(str, version[:2]))
    return {
        "path": path,
        "implementation": name,
        "version": list(version),
        "free_threaded": free_threaded,
        "build": f"{minor} (main)",
        "names": [path],
        "compiled": False,
        "purelib": f"{{base}}/lib/python{minor}/site-packages",
    }


def facts(
    *interpreters: dict[str, Any], on_demand: Sequence[dict[str, Any]] = (), **tools: str | None
) -> dict[str, Any]:
    """Return what `look.py` tells of an image."""
    there = {name: f"/usr/local/bin/{name}" for name in ("auditwheel", "patchelf", "strip", "uv")}
    return {
        "environ": {"PATH": "/usr/bin", "HOSTNAME": "0123", "AUDITWHEEL_PLAT": "manylinux_2_28_x86_64"},
        "machine": "x86_64",
        "interpreters": list(interpreters or [interpreter()]),
        "tools": {**there, "manylinux-interpreters": None, **tools},
        "on_demand": list(on_demand),
    }


class Looked(Keeper):
    """A keeper that knows from the start what every image has."""

    def __init__(self, store: Store, recorder: Recorder, found: dict[str, Any]) -> None:
        super().__init__(store, recorder)
        self._found = found

    def recall(self, question: str) -> dict[str, Any] | None:
        return self._found if question.endswith(', "look"]') else super().recall(question)


def make_place(
    folder: Path,
    api: FakeApi,
    found: dict[str, Any] | None = None,
    config: DockerConfig | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    recorder: Recorder | None = None,
) -> Place:
    """Return a place on a fake engine whose image has what was found.

    :param folder: where it keeps what it finds out
    :param environ: of the caller, who has no configuration files
    """
    environ = {"HOME": str(folder), "PIP_CONFIG_FILE": os.devnull, **(environ or {})}
    config, recorder = config or DockerConfig(), recorder or Recorder()
    keeper = Looked(Store(str(folder / "store")), recorder, found or facts())
    return Place(engine(api), find_image(config), config, make_context(recorder, environ), keeper)


class Workshop:
    """Runs nothing, and remembers what it was to run; a `Launcher` too.

    :param answers: what files have that are read, by path
    """

    def __init__(self, answers: Mapping[str, str] | None = None, returncode: int = 0) -> None:
        self.calls: list[tuple[list[str], dict[str, str], dict[str, str]]] = []
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._answers = answers or {}
        self._returncode = returncode

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_output: OnOutput | None = None,
        files: Mapping[str, str] | None = None,
    ) -> int:
        assert cwd is None
        self.calls.append((list(argv), dict(env), dict(files or {})))
        if on_output is not None:
            on_output(b"said\n")
        return self._returncode

    def ask(self, script: str, *arguments: str) -> None:
        self.asked.append((script, arguments))

    def read(self, path: str) -> str:
        return self._answers[path]

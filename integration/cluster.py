"""A dask scheduler and workers, as processes at 127.0.0.1, each in an environment of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from frontends import MARK, command_of, environment, marked

from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.discovery import all_interpreters
from headless_wheel_builder.isolation.interpreters import Interpreter, running_interpreter
from headless_wheel_builder.isolation.uv import find_uv

ROOT = Path(__file__).resolve().parents[1]
# What dask itself still supports, and we.
OLDEST = (3, 10)
NAME = "headless-wheel-builder"
WORKERS = 3
# Else what is shown to browsers is shown to everybody, whatever --host says.
PRIVATE = ("--dashboard-address", "127.0.0.1:0")
SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Environment:
    """An environment that has us and dask.

    :param name: its interpreter, as wheels name it
    """

    name: str
    version: str
    python: Path


def environments(folder: Path) -> list[Environment]:
    """Make environments of different interpreters, that of the tests first; as many as there are, up to `WORKERS`."""
    return [_environment(folder / name, name, one) for name, one in _interpreters().items()]


def _interpreters() -> dict[str, Interpreter]:
    others = [
        one
        for one in all_interpreters(Context(environ=dict(os.environ)))
        if one.version >= OLDEST and one.implementation == "cpython" and not one.free_threaded
    ]
    named = {f"cp{one.version[0]}{one.version[1]}": one for one in (running_interpreter(), *reversed(others))}
    return dict(list(named.items())[:WORKERS])


def _environment(folder: Path, name: str, interpreter: Interpreter) -> Environment:
    uv = find_uv(os.environ)
    assert uv is not None
    requirements = [f"{NAME}[dask] @ {ROOT.as_uri()}", "-c", str(ROOT / "integration/requirements.txt")]
    python = folder / "bin" / "python"
    for argv in (
        ["venv", "--quiet", "--python", interpreter.executable, str(folder)],
        # uv takes a source tree for the one that it knows while its pyproject.toml is.
        ["pip", "install", "--quiet", "--refresh-package", NAME, "--python", str(python), *requirements],
    ):
        subprocess.run([uv.path, *argv], check=True, env=environment(), cwd=folder.parent)
    return Environment(name, ".".join(map(str, interpreter.version[:2])), python)


def _tls(certificates: Path) -> dict[str, str]:
    """Return dask's configuration, as variables, for all who have these certificates."""
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    files = {"CERT": "cert.pem", "KEY": "key.pem"}
    own = {f"{role}__{name}": file for role in ("SCHEDULER", "WORKER", "CLIENT") for name, file in files.items()}
    return {prefix + name: str(certificates / file) for name, file in {"CA_FILE": "ca.pem", **own}.items()}


class Worker:
    """A worker without a nanny: nobody starts it again."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, temporary: Path) -> None:
        self.process = process
        self.log = log
        self.temporary = temporary

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """End it in a way that it cannot notice."""
        self.process.kill()
        self.process.wait()


class Cluster:
    """A scheduler and its workers; a context manager.

    :param folder: an empty one, for logs and temporary folders
    :param environment: of the scheduler
    :param certificates: a folder with those of an `Authority`, if they are to speak TLS
    """

    def __init__(self, folder: Path, environment: Environment, certificates: Path | None = None) -> None:
        self._folder = folder
        self._host = "127.0.0.1" if certificates is None else "tls://127.0.0.1"
        self.settings = {} if certificates is None else _tls(certificates)
        self._python = environment.python
        self._mark = uuid.uuid4().hex
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[Worker] = []
        self.address = ""

    def __enter__(self) -> Cluster:  # noqa: PYI034 - typing.Self came with 3.11
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / "scheduler.json"
        options = ("--host", self._host, "--port", "0", *PRIVATE, "--scheduler-file", str(place))
        self.scheduler = self._start(self._python, "scheduler", *options, log=self._folder / "scheduler.log")
        try:
            self._wait(lambda: place.exists() and place.read_text().strip().endswith("}"))
        except BaseException:
            self.__exit__()
            raise
        self.address = json.loads(place.read_text())["address"]
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        for process_id in marked(self._mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    def add(self, environment: Environment, *capabilities: str, threads: int = 1) -> Worker:
        """Start a worker, and wait until it works."""
        name = f"worker{len(self.workers)}"
        log, temporary = self._folder / f"{name}.log", self._folder / name
        temporary.mkdir()
        options = ["--no-nanny", *PRIVATE, "--nthreads", str(threads), "--local-directory", str(temporary)]
        resources = " ".join(f"{one}={threads}" for one in capabilities)
        options += ["--host", self._host, "--name", name, *(["--resources", resources] if resources else [])]
        process = self._start(environment.python, "worker", self.address, *options, log=log, temporary=temporary)
        self._wait(lambda: "Registered to" in log.read_text())
        self.workers.append(Worker(process, log, temporary))
        return self.workers[-1]

    def processes_of(self, part: str) -> list[int]:
        """Return the processes that builds on workers have started, whose command line has a part."""
        own = {process.pid for process in self._processes}
        return [one for one in marked(self._mark) if one not in own and part in command_of(one)]

    def logs(self) -> str:
        """Return what all have said."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self._folder.glob("*.log")))

    def _start(self, python: Path, *argv: str, log: Path, temporary: Path | None = None) -> subprocess.Popen[bytes]:
        more = {} if temporary is None else {"TMPDIR": str(temporary), "HWB_CACHE_DIR": str(temporary / "cache")}
        with log.open("wb") as said:
            process = subprocess.Popen(
                [python, "-m", "dask", *argv],
                cwd=self._folder,
                env={**environment(), **self.settings, **more, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _wait(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            dead = [process.args for process in self._processes if process.poll() is not None]
            assert not dead, f"{dead}\n{self.logs()}"
            assert time.monotonic() < end, self.logs()
            time.sleep(0.05)

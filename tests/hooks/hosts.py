"""Run a backend in a host and in fresh interpreters, and tell all that can be seen of it from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import tempfile
import textwrap
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support import Recorder, wait_for

from headless_wheel_builder.errors import BackendError
from headless_wheel_builder.events import Explained, HookOutput, Warned
from headless_wheel_builder.hooks.backend import Backend
from headless_wheel_builder.hooks.headstart import HeadStart, Order
from headless_wheel_builder.hooks.hosting import HostedLauncher, Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, Memory, OutputMode
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import HookRunner
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.process import Processes
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from typing_extensions import Self

MARK = "HOST_TEST_MARK"
# The folder of pyproject-hooks' input and output.
ADDRESS = re.compile(r"0x[0-9a-f]{8,}")
CONTROL = re.compile(re.escape(tempfile.gettempdir()) + r"/tmp[a-z0-9_]{8}")


def backend(at_import: str = "", in_hook: str = "return 'x'") -> str:
    """Return the source of a backend that does this while it is imported, and that in `build_sdist`."""
    head = "def build_sdist(folder, config_settings=None):\n"
    return textwrap.dedent(at_import) + "\n" + head + textwrap.indent(textwrap.dedent(in_hook), "    ") + "\n"


@dataclass
class Outcome:
    """What can be seen of some hooks from outside."""

    answers: list[object] = field(default_factory=list)
    output: str = ""
    warnings: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    processes: int = 0


class Way:
    """One way to run hooks of a backend on the path, in a source tree of its own.

    :param place: the folder with the backend
    :param is_hosted: in a host rather than in fresh interpreters
    :param patience: how long hooks may take
    :param ahead: how the host that is started ahead differs from the one that is wanted; None for none
    :param network: whether hooks have one
    """

    def __init__(
        self,
        place: Path,
        folder: Path,
        *,
        is_hosted: bool,
        output: OutputMode = "capture",
        environ: dict[str, str] | None = None,
        python: str = sys.executable,
        memory: Memory | None = None,
        name: str = "backend",
        ahead: Mapping[str, object] | None = None,
        patience: Patience | None = None,
        network: bool = True,
        is_in_tree: bool = False,
    ) -> None:
        self.place = place
        self.folder = folder
        self.source = folder / "source"
        self.temporary = folder / "temporary"
        for made in (self.source, self.temporary):
            made.mkdir(parents=True)
        self.mark = uuid.uuid4().hex
        inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LD_LIBRARY_PATH"}}
        self.environ = {
            **inherited,
            "PYTHONPATH": os.fspath(place),
            "TMPDIR": os.fspath(self.temporary),
            MARK: self.mark,
            **(environ or {}),
        }
        self.recorder = Recorder()
        self.processes = Processes(grace=1.0)
        self.log = Log()
        self.python = python
        self._output = output
        self._name = name
        self._network = network
        self.ahead = HeadStart()
        if ahead is not None and is_hosted:
            self.ahead.begin(changed(self.order(), **ahead))
        self._launchers = Launchers(self.processes, self.recorder, output, self.ahead, patience, network=network)
        place_of_backend = BackendPlace(os.fspath(self.source), name, is_in_tree=is_in_tree)
        self.launcher: Launcher = self.processes
        if patience or not network:
            self.launcher = HostedLauncher(None, self.processes, self.recorder, patience, network=network)
        if is_hosted:
            self.launcher = self._launchers.launcher(python, self.environ, place_of_backend, memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ahead.abandon()
        self._launchers.close()
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)

    def order(self) -> Order:
        """Return the host that its hooks want."""
        first = {"preload": [self._name], "own": []}
        return Order(self.python, self.environ, os.fspath(self.source), self._output != "inherit", first, self._network)

    def backend(self, source: Path | None = None) -> Backend:
        runner = HookRunner(self.launcher, self.environ, output=self._output, log=self.log, report=self.recorder)
        return Backend(
            os.fspath(source or self.source),
            self._name,
            python=self.python,
            runner=runner,
            config_settings={},
            report=self.recorder,
            log=self.log,
        )

    def call(self, source: Path | None = None) -> object:
        """Call the hook and return its result, or what its failure is."""
        try:
            return self.masked(self.backend(source).build("sdist", os.fspath(self.folder / "out")))
        except BackendError as error:
            status = getattr(error, "returncode", None)
            return (type(error).__name__, error.hook, status, self.masked(f"{error.message} {error.cause}"))

    def close(self) -> None:
        self._launchers.close()

    def masked(self, text: str) -> str:
        text = CONTROL.sub("<control>", text.replace(os.fspath(self.folder), "<folder>"))
        return ADDRESS.sub("<address>", text.replace(self.mark, "<mark>"))

    @property
    def reasons(self) -> list[str]:
        """Why it did not use a host."""
        return [event.message for event in self.recorder.of(Explained)]

    def alive(self) -> list[int]:
        """Return the processes that its hooks left."""
        return marked(self.mark)

    def outcome(self, answers: list[object], left: int = 0) -> Outcome:
        with contextlib.suppress(AssertionError):  # then the difference is seen
            wait_for(lambda: len(self.alive()) == left, seconds=2.0)
        return Outcome(
            answers=answers,
            output=self.masked("".join(event.text for event in self.recorder.of(HookOutput))),
            warnings=[warning.message for warning in self.recorder.of(Warned)],
            files={self.masked(name): self.masked(text) for name, text in files(self.folder).items()},
            processes=len(self.alive()),
        )


def files(folder: Path) -> dict[str, str]:
    found = [path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts]
    return {os.fspath(path): path.read_text(errors="replace") if path.is_file() else "" for path in found}


def marked(mark: str) -> list[int]:
    """Return the processes with a mark in their environment."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if f"{MARK}={mark}".encode() in look(pid, "environ")]


def look(pid: int, what: str) -> bytes:
    """Return what the system tells of a process, nothing if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""


def frontend(place: Path, folder: Path, *, is_hosted: bool = True) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a frontend that is a process of its own."""
    tests = Path(__file__).parent.parent
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([os.fspath(tests), *sys.path])}
    how = "hosted" if is_hosted else "fresh"
    return [sys.executable, __file__, os.fspath(place), os.fspath(folder), how, "inherit"], environ


class Ways:
    """Runs a backend both ways."""

    def __init__(self, tmp_path: Path, python: str = sys.executable) -> None:
        self.tmp_path = tmp_path
        self.place = tmp_path / "place"
        self.place.mkdir()
        self.python = python
        self._made = iter(range(100))

    def write(self, code: str, name: str = "backend") -> None:
        (self.place / f"{name}.py").write_text(code)

    def way(self, *, is_hosted: bool = True, **options: object) -> Way:
        folder = self.tmp_path / f"way{next(self._made)}"
        return Way(self.place, folder, is_hosted=is_hosted, **{"python": self.python, **options})  # type: ignore[arg-type]

    def both(
        self,
        code: str,
        *,
        runs: int = 2,
        left: int = 0,
        reasons: Sequence[str] = (),
        read: Callable[[], Sequence[str]] = list,
        **options: object,
    ) -> tuple[Outcome, Outcome]:
        """Return how it went in a host, and how in fresh interpreters.

        :param left: how many processes are left in the end
        :param reasons: why there may be no host
        :param read: gives what was printed to our own streams since it was last called
        """
        self.write(code)
        outcomes = []
        for is_hosted in (True, False):
            with self.way(is_hosted=is_hosted, **options) as way:
                answers = [way.call() for _ in range(runs)]
                way.close()
                outcome = way.outcome(answers, left)
                outcome.output += way.masked("\n--- stderr ---\n".join(read()))
                outcomes.append(outcome)
                if is_hosted:
                    assert way.reasons == [
                        f"Each hook gets a fresh interpreter: of the backend, {one}" for one in reasons
                    ]
        hosted, fresh = outcomes
        return hosted, fresh


def main(place: str, folder: str, how: str, output: OutputMode) -> None:
    """Be a frontend of its own that calls the hook twice, and note the answers."""
    with Way(Path(place), Path(folder), is_hosted=how == "hosted", output=output) as way:
        (way.folder / "mark").write_text(way.mark)
        answers = [way.call() for _ in range(2)]
        (way.folder / "answers").write_text(repr([answers, way.reasons]))


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]

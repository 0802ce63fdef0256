"""Run hooks in a container as pyproject-hooks asks: what they read goes in, what they made comes out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.events import Explained, Reporter
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.hooks.frames import module_names
from headless_wheel_builder.hooks.launcher import BackendPlace, Memory, to_stderr
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.ahead import Ahead
from headless_wheel_builder.isolation.docker.archive import Member, beginning, of_folder, of_tree
from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.hook_limits import HookLimits
from headless_wheel_builder.isolation.docker.verification import KILLED
from headless_wheel_builder.isolation.docker.workshop import Workshop, failure, understood
from headless_wheel_builder.process import OnOutput, Processes

SOURCES: Final = f"{programs.HOME}/source"
CALLS: Final = f"{programs.HOME}/calls"
# Hooks write into folders that are named so in what they are called with.
FOLDER: Final = "_directory"
# Sources of machine code.
COMPILED: Final = (
    ".c", ".cc", ".cpp", ".cu", ".cxx", ".d", ".f", ".f90", ".for", ".go", ".m", ".mm", ".nim", ".pyx", ".rs", ".s",
    ".swift", ".zig",
)  # fmt: skip
NOTHING: Final[Frame] = {"preload": [], "own": []}


class ContainerLauncher:
    """Runs the hooks of one backend in one container.

    :param container: not started, or with a host that has nothing more to do
    :param python: the interpreter of the environment, in it
    :param host: how the host is started
    :param memory: what hooks needed before
    :param is_hosted: whether the host is the environment's interpreter, and may import the backend
    :param is_packed: whether the environment has to be unpacked in a container that is not started
    :param members: what to copy into it besides our programs
    :param repairer: started beside the first hook if it was not before, and there may be a wheel that needs it
    :param commit: the image that is made of a container that has a host already; nothing of the project gets into it
    :param limits: what hooks are held to, and what is said when they reach it
    """

    def __init__(
        self,
        container: Container,
        python: str,
        backend: BackendPlace,
        *,
        host: Sequence[str],
        processes: Processes,
        report: Reporter,
        memory: Memory | None = None,
        is_hosted: bool = True,
        is_packed: bool = False,
        limits: HookLimits,
        members: Sequence[Member] = (),
        commit: Commit | None = None,
        repairer: Ahead | None = None,
    ) -> None:
        self.container = container
        self.repairer = repairer
        self._python = python
        self._processes = processes
        self._report = report
        self._memory = memory
        self._limits = limits
        self._sources: dict[str, str] = {}
        self._calls = 0
        self._may_be_compiled = False
        self._is_for_wheel = "build_wheel" in backend.hooks
        self._is_packed = is_packed
        self._backend = backend.module
        # Where in the container what goes into a folder here is.
        self.places: dict[str, str] = {}
        self._is_forked = is_hosted and not backend.is_in_tree
        preload = [backend.module, *(memory.preload(backend) if memory else ())] if self._is_forked else []
        first: Frame = {"preload": preload, "own": list(memory.own) if memory else []}
        self._talk = Conversation(container)
        self._start(first, host, backend.source, members, commit)
        # Where hooks ran last.
        self.folder = self._sources[os.path.abspath(backend.source)]

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a hook as `Launcher` says.

        :raises IsolationError: the container is gone
        """
        hook, control = argv[-2:]
        source = os.getcwd() if cwd is None else cwd
        os.stat(source)
        request = self._request(hook, control, env, source)
        with self._limits.watching(self._talk.stop, on_output or to_stderr) as heard:
            ended = self._called(request, hook, heard)
        self._processes.checkpoint()
        self._limits.check(int(ended["ended"]), ended.get("files", {}), is_gone="gone" in ended)
        self._answer(ended, hook, control)
        return int(ended["ended"])

    def look(self, paths: Sequence[str]) -> dict[str, str]:
        """Return what files in the container have, of those that are there; nothing of the project has run before.

        :raises IsolationError: the container is gone
        """
        run = ["python", programs.EXECUTE, "true"]
        request: Frame = {"run": run, "cwd": "/", "environ": {}, "learn": None, "read": list(paths)}
        files: dict[str, str] = self._called(request, "its first hook", _ignore).get("files", {})
        return files

    def program(self, script: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Any:
        """Run a program of ours beside the hooks, and return what it answers in the file of its first argument.

        :param environ: variables on top of the image's
        :raises IsolationError: it failed, or the container is gone
        """
        answer, printed = f"{CALLS}/answer.json", bytearray()
        run = ["python", "-I", script, answer, *arguments]
        request: Frame = {"run": run, "cwd": "/", "environ": dict(environ or {}), "read": [answer]}
        ended = self._run_fresh(request, os.path.basename(script), printed.extend)
        self._processes.checkpoint()
        if answer not in ended.get("files", {}):
            raise failure(script, printed, ended["ended"])
        return understood(ended["files"][answer], os.path.basename(script))

    def _prepare_repair(self) -> None:
        if self._is_for_wheel and self._may_be_compiled and self.repairer is not None:
            self.repairer.start()

    def _start(
        self,
        first: Frame,
        host: Sequence[str],
        source: str,
        members: Sequence[Member],
        commit: Commit | None,
    ) -> None:
        """Start the host, with a source tree and what it needs itself in its container."""
        container, checkpoint = self.container, self._processes.checkpoint
        folders = of_folder(SOURCES), of_folder(CALLS)
        few, rest = beginning(self._placed(os.path.abspath(source)))
        if container.is_started:
            container.start_again(host, SOURCES, first)
            if commit is not None:
                self._finish(commit)
            container.put([*folders, *few, *rest], checkpoint)
            return
        # Only a container that runs ends with its frontend: before that, nothing goes in that takes time.
        container.put([*programs.members(), *members, *folders, *few], checkpoint)
        if self._is_packed:
            container.start(NOTHING)
            workshop = Workshop(container, self._processes)
            workshop.ask(programs.PACKER, "unpack", programs.PARCEL, programs.ENVIRONMENT)
            container.start_again(host, SOURCES, first)
        else:
            container.start(first)
        if rest:
            container.put(rest, checkpoint)

    def _finish(self, commit: Commit) -> None:
        """Have the image made, with bytecode of what the backend imports if it was not begun before."""
        if self._is_forked and not commit.is_begun:
            with self._limits.watching(self._talk.stop, to_stderr) as heard:
                try:
                    self._talk.get_ready(heard)
                except UnsafeError as unsafe:
                    self._be_fresh(unsafe, f"hooks of {self._backend}")
        _ = commit.image

    def _request(self, hook: str, control: str, env: Mapping[str, str], source: str) -> Frame:
        self._calls += 1
        self.folder = place = self._place(source)
        there = f"{CALLS}/{self._calls}"
        with open(os.path.join(control, "input.json"), encoding="utf-8") as file:
            call = json.load(file)
        folders = self._folders(call["kwargs"], f"{there}/out")
        is_wanted = self._memory is not None and self._is_forked and self._memory.wants(hook)
        return {
            "run": ["python", programs.SCRIPT, hook, there],
            "cwd": place,
            "environ": {name: _moved(name, value, source, place) for name, value in env.items()},
            "learn": f"{there}/modules.json" if is_wanted else None,
            "make": [there, *folders],
            "write": {f"{there}/input.json": json.dumps(call)},
            "read": [f"{there}/output.json", f"{there}/modules.json", *KILLED],
        }

    def _folders(self, arguments: dict[str, Any], there: str) -> list[str]:
        """Have a hook write into a folder of the container instead of one here; return the folder."""
        names = [name for name, value in arguments.items() if name.endswith(FOLDER) and value is not None]
        for name in names:
            self.places[arguments[name]] = there
            arguments[name] = there
        return [there] if names else []

    def _place(self, source: str) -> str:
        """Return where a source tree is in the container; it is copied the first time."""
        source = os.path.abspath(source)
        if source not in self._sources:
            self.container.put(self._placed(source), self._processes.checkpoint)
        return self._sources[source]

    def _placed(self, source: str) -> Iterator[Member]:
        """Return the members of a source tree, as they are to be where `_place` then says."""
        place = f"{SOURCES}/{len(self._sources) + 1}/{os.path.basename(source)}"
        self._sources[source] = place
        yield of_folder(os.path.dirname(place))
        for member in of_tree(source, place, self._processes.checkpoint):
            self._may_be_compiled = self._may_be_compiled or member[0].name.endswith(COMPILED)
            yield member

    def _be_fresh(self, unsafe: UnsafeError, hook: str) -> None:
        """Have a fresh interpreter for each hook, if what the backend did when it was imported has left a container."""
        self._is_forked = False
        self._processes.checkpoint()
        if not unsafe.said:
            raise self._limits.gone(hook, "") from unsafe
        self._report(Explained(f"Each hook gets a fresh interpreter: of the backend, {unsafe}"))
        self.container.send(NOTHING)

    def _called(self, request: Frame, hook: str, on_output: OnOutput) -> Frame:
        if self._is_forked:
            try:
                return self._talk.run(request, on_output, self._prepare_repair)
            except UnsafeError as unsafe:
                self._be_fresh(unsafe, hook)
        return self._run_fresh(request, hook, on_output)

    def _run_fresh(self, request: Frame, name: str, on_output: OnOutput) -> Frame:
        run = ["python", programs.EXECUTE, self._python, *self._limits.flags, *request["run"][1:]]
        fresh = {**request, "run": run, "learn": None}
        try:
            return self._talk.run(fresh, on_output, self._prepare_repair)
        except UnsafeError as error:
            self._processes.checkpoint()
            raise self._limits.gone(name, error.said) from error

    def _answer(self, ended: Frame, hook: str, control: str) -> None:
        for path, text in ended.get("files", {}).items():
            name = os.path.basename(path)
            if name == "modules.json" and self._memory is not None:
                self._memory.learn(hook, module_names(text))
            elif name == "output.json":
                with open(os.path.join(control, name), "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)


def _moved(name: str, value: str, source: str, place: str) -> str:
    # pyproject-hooks writes paths in JSON, where some letters are written otherwise.
    here, there = (json.dumps(path)[1:-1] for path in (source, place))
    return value.replace(here, there) if name.startswith("_PYPROJECT_HOOKS_") else value


def _ignore(_piece: bytes) -> None:
    pass

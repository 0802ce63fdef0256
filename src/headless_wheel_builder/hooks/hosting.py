"""Run hooks in a hook host: start it, have it run them, see it end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, final

from headless_wheel_builder.events import Explained, Reporter
from headless_wheel_builder.hooks.channel import Channel, is_possible
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.hooks.headstart import HeadStart, Order, obstacle
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, Memory, OutputMode
from headless_wheel_builder.hooks.link import ProcessLink
from headless_wheel_builder.process import Cancelled, Group, OnOutput, Output, Processes, Stop

LEARNT: Final = "modules.json"


class HookHost:
    """A host in the interpreter of a build environment, from its start until `close`.

    :param environ: the whole environment of hooks, before what pyproject-hooks adds
    :param output: "merged" where hooks print to us rather than to our own streams
    :param memory: what hooks needed before, and where what they need now is noted
    :param ahead: a host that runs already, which may be this one
    :raises Cancelled: the build was cancelled
    :raises OSError: it cannot be started
    """

    def __init__(
        self,
        processes: Processes,
        python: str,
        environ: Mapping[str, str],
        backend: BackendPlace,
        *,
        output: Output = "inherit",
        memory: Memory | None = None,
        ahead: HeadStart | None = None,
    ) -> None:
        self._processes = processes
        self._environ = environ
        # A backend in the tree may read its folder while it is imported, so each hook does that itself.
        self._memory = memory = None if backend.is_in_tree else memory
        self._output = output
        preload = [] if backend.is_in_tree else [backend.module, *(memory.preload(backend) if memory else ())]
        first = {"preload": preload, "own": list(memory.own) if memory else []}
        order = Order(python, environ, backend.source, output == "merged", first)
        processes.add(lambda: self._start(order, ahead))

    def _start(self, order: Order, ahead: HeadStart | None) -> HookHost:
        running = ahead.take(order) if ahead else None
        if running:
            link = ProcessLink(Group(running[0]), running[1])
        else:
            channel = Channel()
            link = ProcessLink(channel.hand_over(lambda theirs: self._group_of(order, theirs), order.first), channel)
        self._talk = Conversation(link)
        return self

    def _group_of(self, order: Order, theirs: Sequence[int]) -> Group:
        argv = order.argv(theirs)
        return Group.start(argv, cwd=order.source, env=order.environ, output=self._output, pass_fds=theirs)

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a hook as `Launcher` says.

        :raises UnsafeError: the host cannot; nothing was run
        """
        if any(env.get(name) != value for name, value in self._environ.items()):
            raise UnsafeError("its environment is not that of the host")
        if (on_output is None) != (self._output == "inherit"):
            raise UnsafeError("it does not print to where the host does")
        cwd = os.getcwd() if cwd is None else cwd
        os.stat(cwd)
        learnt = os.path.join(argv[-1], LEARNT) if self._memory and self._memory.wants(argv[-2]) else None
        more = {name: value for name, value in env.items() if name not in self._environ}
        try:
            ended = self._talk.run({"run": list(argv), "cwd": cwd, "environ": more, "learn": learnt}, on_output)
        except UnsafeError:
            self._processes.checkpoint()
            raise
        self._processes.checkpoint()
        if learnt:
            self._learn(argv[-2], learnt)
        return int(ended["ended"])

    def stop(self, how: Stop) -> None:
        """Have the hook that runs end; end the host, and with it the hook, when none does or to kill it."""
        self._talk.stop(how)

    def close(self) -> None:
        """End the host; a second call does nothing."""
        if self._talk.close():
            self._processes.remove(self)

    def _learn(self, hook: str, path: str) -> None:
        # A hook that ended in a hurry left nothing to learn from.
        with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
            names = json.load(file)
            if self._memory is not None:
                self._memory.learn(hook, [str(name) for name in names])


class HostedLauncher:
    """Runs hooks in a host where that is safe, else each in a fresh interpreter, and says why.

    :param host: None where it is known from the start that there can be none
    """

    def __init__(self, host: HookHost | None, processes: Processes, report: Reporter) -> None:
        self._host = host
        self._processes = processes
        self._report = report
        self._fresh = processes.part()
        self._is_interrupted = False

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a hook as `Launcher` says; after an interruption none is begun, as if a signal had ended it."""
        if self._host is not None and not self._is_interrupted:
            try:
                return self._host.run(argv, env=env, cwd=cwd, on_output=on_output)
            except UnsafeError as unsafe:
                self._leave_host(str(unsafe))
        try:
            return self._fresh.run(argv, env=env, cwd=cwd, on_output=on_output)
        except Cancelled:
            self._processes.checkpoint()
            return -signal.SIGTERM

    def interrupt(self) -> None:
        """End the hook that runs, and let none begin; may be called from any thread."""
        self._is_interrupted = True
        self._fresh.stop("terminate")
        if self._host is not None:
            self._host.stop("terminate")

    def close(self) -> None:
        """End the host."""
        if self._host is not None:
            self._host.close()
        self._processes.remove(self._fresh)

    def _leave_host(self, why: str) -> None:
        if not self._is_interrupted:
            self._report(Explained(f"Each hook gets a fresh interpreter: of the backend, {why}"))
        if self._host is not None:
            self._host.close()
            self._host = None


@final
class Launchers:
    """The launchers of one environment, a host for each backend that may have one; a context manager that ends them.

    :param output: where what hooks print goes
    :param ahead: a host that runs already, which may be one of theirs
    """

    def __init__(
        self, processes: Processes, report: Reporter, output: OutputMode, ahead: HeadStart | None = None
    ) -> None:
        self._processes = processes
        self._report = report
        self._ahead = ahead
        self._output: Output = "inherit" if output == "inherit" else "merged"
        self._hosted: dict[str, HostedLauncher] = {}
        self._is_interrupted = False

    def __enter__(self) -> Launchers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def launcher(
        self,
        python: str,
        environ: Mapping[str, str],
        backend: BackendPlace,
        memory: Memory | None = None,
    ) -> Launcher:
        """Return what runs hooks of a backend in an environment.

        :param python: its interpreter
        :param environ: the whole environment of hooks
        :param memory: what hooks needed before
        :raises Cancelled: the build was cancelled
        """
        if backend.name not in self._hosted:
            host = self._host(python, environ, backend, memory)
            self._hosted[backend.name] = HostedLauncher(host, self._processes, self._report)
            if self._is_interrupted:
                self._hosted[backend.name].interrupt()
        return self._hosted[backend.name]

    def interrupt(self) -> None:
        """End the hooks that run, and let none begin; may be called from any thread."""
        self._is_interrupted = True
        for hosted in list(self._hosted.values()):
            hosted.interrupt()

    def close(self) -> None:
        """End all hosts; a second call does nothing."""
        while self._hosted:
            self._hosted.popitem()[1].close()

    def _host(
        self, python: str, environ: Mapping[str, str], backend: BackendPlace, memory: Memory | None
    ) -> HookHost | None:
        if obstacle := _obstacle(environ):
            self._report(Explained(f"Each hook gets a fresh interpreter: {obstacle}"))
            return None
        try:
            return HookHost(
                self._processes, python, environ, backend, output=self._output, memory=memory, ahead=self._ahead
            )
        except OSError:
            return None  # a fresh interpreter fails in the same way, where the hook is named


def _obstacle(environ: Mapping[str, str]) -> str | None:
    return obstacle(environ) if is_possible() else "forking is safe on Linux only"

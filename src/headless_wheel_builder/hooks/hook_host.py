"""A hook host of ours: start it, have it run hooks, see it end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.hooks.channel import Channel
from headless_wheel_builder.hooks.conversation import Conversation, UnsafeError
from headless_wheel_builder.hooks.frames import module_names
from headless_wheel_builder.hooks.headstart import HeadStart, Order
from headless_wheel_builder.hooks.launcher import BackendPlace, Memory
from headless_wheel_builder.hooks.link import ProcessLink
from headless_wheel_builder.process import Group, OnOutput, Output, Processes, Stop

LEARNT: Final = "modules.json"


class HookHost:
    """A host in the interpreter of a build environment, from its start until `close`.

    :param environ: the whole environment of hooks, before what pyproject-hooks adds
    :param output: "merged" where hooks print to us rather than to our own streams
    :param memory: what hooks needed before, and where what they need now is noted
    :param ahead: a host that runs already, which may be this one
    :param is_dumped: whether hooks are told to show where they are when they are ended so
    :param network: whether it, and so hooks, have one
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
        is_dumped: bool = False,
        network: bool = True,
    ) -> None:
        self._processes = processes
        self._is_dumped = is_dumped
        self._environ = environ
        # A backend in the tree may read its folder while it is imported, so each hook does that itself.
        self._memory = memory = None if backend.is_in_tree else memory
        self._output = output
        preload = [] if backend.is_in_tree else [backend.module, *(memory.preload(backend) if memory else ())]
        first = {"preload": preload, "own": list(memory.own) if memory else []}
        order = Order(python, environ, backend.source, output == "merged", first, network)
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
        env = self._processes.host_environ(order.environ)
        return Group.start(argv, cwd=order.source, env=env, output=self._output, pass_fds=theirs)

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
        request = {"run": list(argv), "cwd": cwd, "environ": more, "learn": learnt, "dump": self._is_dumped}
        try:
            ended = self._talk.run(request, on_output)
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
            names = module_names(file.read())
            if self._memory is not None:
                self._memory.learn(hook, names)

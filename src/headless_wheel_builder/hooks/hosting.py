"""Run hooks in a hook host where that is safe, else each in a fresh interpreter."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import final

from headless_wheel_builder.events import Explained, Reporter
from headless_wheel_builder.hooks.channel import is_possible
from headless_wheel_builder.hooks.conversation import UnsafeError
from headless_wheel_builder.hooks.headstart import HeadStart, obstacle
from headless_wheel_builder.hooks.hook_host import HookHost
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, Memory, OutputMode, to_stderr
from headless_wheel_builder.hooks.no_network import without_network
from headless_wheel_builder.hooks.watchdog import Patience, Watchdog
from headless_wheel_builder.process import Cancelled, OnOutput, Output, Processes, Stoppable


class HostedLauncher:
    """Runs hooks in a host where that is safe, else each in a fresh interpreter, and says why.

    :param host: None where it is known from the start that there can be none
    :param patience: how long hooks may take
    :param network: whether hooks have one
    """

    def __init__(
        self,
        host: HookHost | None,
        processes: Processes,
        report: Reporter,
        patience: Patience | None = None,
        *,
        network: bool = True,
    ) -> None:
        self._host = host
        self._network = network
        self._patience = patience or Patience()
        self._processes = processes
        self._report = report
        self._fresh = processes.part()
        self._is_interrupted = False
        # Whether any hook has not ended well.
        self.has_failed = False

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a hook as `Launcher` says; after an interruption none is begun, as if a signal had ended it."""
        if on_output is None and self._patience.silence is not None:
            on_output = to_stderr
        host = self._host
        if host is not None and not self._is_interrupted:
            try:
                return self._watched(lambda heard: host.run(argv, env=env, cwd=cwd, on_output=heard), host, on_output)
            except UnsafeError as unsafe:
                self._leave_host(str(unsafe))
        fresh = [argv[0], *self._patience.flags, *argv[1:]]
        command = fresh if self._network else without_network(fresh)
        return self._watched(
            lambda heard: self._run_fresh(command, env=env, cwd=cwd, on_output=heard), self._fresh, on_output
        )

    def _watched(self, run: Callable[[OnOutput | None], int], stoppable: Stoppable, on_output: OnOutput | None) -> int:
        with Watchdog(self._patience, stoppable.stop) as watchdog:
            returncode = run(None if on_output is None else watchdog.hearing(on_output))
        self.has_failed = self.has_failed or returncode != 0
        watchdog.check(returncode)
        return returncode

    def _run_fresh(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None, on_output: OnOutput | None
    ) -> int:
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
    :param patience: how long hooks may take
    :param network: whether hooks have one
    """

    def __init__(
        self,
        processes: Processes,
        report: Reporter,
        output: OutputMode,
        ahead: HeadStart | None = None,
        patience: Patience | None = None,
        *,
        network: bool = True,
    ) -> None:
        self._network = network
        self._processes = processes
        self._report = report
        self._ahead = ahead
        self._patience = patience or Patience()
        # Silence is heard only of what prints to us.
        is_heard = output != "inherit" or self._patience.silence is not None
        self._output: Output = "merged" if is_heard else "inherit"
        self._hosted: dict[str, HostedLauncher] = {}
        self._is_interrupted = False
        self._has_failed = False

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
            self._hosted[backend.name] = HostedLauncher(
                host, self._processes, self._report, self._patience, network=self._network
            )
            if self._is_interrupted:
                self._hosted[backend.name].interrupt()
        return self._hosted[backend.name]

    @property
    def has_failed(self) -> bool:
        """Whether any hook has not ended well."""
        return self._has_failed or any(hosted.has_failed for hosted in self._hosted.values())

    def interrupt(self) -> None:
        """End the hooks that run, and let none begin; may be called from any thread."""
        self._is_interrupted = True
        for hosted in list(self._hosted.values()):
            hosted.interrupt()

    def close(self) -> None:
        """End all hosts; a second call does nothing."""
        while self._hosted:
            _, hosted = self._hosted.popitem()
            self._has_failed = self._has_failed or hosted.has_failed
            hosted.close()

    def _host(
        self, python: str, environ: Mapping[str, str], backend: BackendPlace, memory: Memory | None
    ) -> HookHost | None:
        if obstacle := _obstacle(environ):
            self._report(Explained(f"Each hook gets a fresh interpreter: {obstacle}"))
            return None
        try:
            return HookHost(
                self._processes,
                python,
                environ,
                backend,
                output=self._output,
                memory=memory,
                ahead=self._ahead,
                is_dumped=self._patience.silence is not None,
                network=self._network,
            )
        except OSError:
            return None  # a fresh interpreter fails in the same way, where the hook is named


def _obstacle(environ: Mapping[str, str]) -> str | None:
    return obstacle(environ) if is_possible() else "forking is safe on Linux only"

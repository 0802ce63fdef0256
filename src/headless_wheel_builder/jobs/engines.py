"""Several engines, each with as many tasks at once as its machine is enough for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.capacity import Capacity
from headless_wheel_builder.isolation.docker.endpoint import meaning
from headless_wheel_builder.jobs.crew import do, sharing
from headless_wheel_builder.jobs.plan import TargetStrategy
from headless_wheel_builder.jobs.task import Task
from headless_wheel_builder.values import changed, named_value

# What a processor runs besides its own programs.
NARROWER: Final = {"x86_64": "i686", "aarch64": "armv7l"}


@named_value
class Host:
    """A machine with an engine.

    :param address: as `DOCKER_HOST` takes it
    :param slots: how many tasks it does at once
    """

    address: str
    slots: int
    capacity: Capacity

    def is_native(self, architecture: str) -> bool:
        """Tell whether it runs programs for an architecture itself."""
        own = self.capacity.architecture
        return architecture in {own, NARROWER.get(own)}

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which this engine is meant."""
        return meaning(self.address, environ)


class EngineCrew:
    """Tasks go to an engine of their own architecture, and only where there is none to another, which emulates it."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        if not hosts:
            raise RequestError("There is no engine", hint="Name one with --docker-host.")
        self._hosts = hosts
        self._executor = ThreadPoolExecutor(sum(host.slots for host in hosts), thread_name_prefix="task")
        self._running: dict[Future[BuildResult], Host] = {}

    def has_room(self, task: Task) -> bool:
        """Tell whether an engine that it may go to has a slot."""
        return self._host(task) is not None

    def submit(self, task: Task, source: str, folder: str, context: Context) -> Future[BuildResult]:
        """Begin a task on the engine that has the most room for it."""
        host = self._host(task)
        if host is None:
            raise ValueError("no engine has room for the task")
        own = changed(context, environ=host.environ(context.environ))
        future = self._executor.submit(do, task, source, folder, sharing(own, host.capacity.share(host.slots)))
        self._running[future] = host
        return future

    def shutdown(self) -> None:
        """Wait until all tasks have ended."""
        self._executor.shutdown()

    def _host(self, task: Task) -> Host | None:
        self._running = {future: host for future, host in self._running.items() if not future.done()}
        able = [host for host in self._hosts if _is_native(host, task)] or self._hosts
        return max((host for host in able if self._room(host)), key=self._room, default=None)

    def _room(self, host: Host) -> int:
        return host.slots - sum(one is host for one in self._running.values())


def _is_native(host: Host, task: Task) -> bool:
    # An sdist is the same wherever it is made, but what makes it is an image of some architecture.
    return not isinstance(task.strategy, TargetStrategy) or host.is_native(task.strategy.architecture)


def find_hosts(addresses: Sequence[str], ask: Callable[[str], Capacity], jobs: int | None) -> list[Host]:
    """Return the machines behind addresses.

    :param ask: returns what one can do at once
    :param jobs: how many tasks each does at once; None for what it is enough for
    :raises IsolationError: one of them does not answer
    """
    hosts = []
    for address in dict.fromkeys(addresses):
        capacity = ask(address)
        hosts.append(Host(address=address, slots=jobs or capacity.tasks, capacity=capacity))
    return hosts


def host_for(hosts: Sequence[Host], architecture: str) -> Host:
    """Return the machine that runs an architecture itself; the first, if there is none."""
    return next((host for host in hosts if host.is_native(architecture)), hosts[0])

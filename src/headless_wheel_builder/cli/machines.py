"""Where the tasks of a run are done: on this machine, by several engines, or by the workers of a scheduler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.docker.endpoint import meaning
from headless_wheel_builder.jobs.crew import Crew, thread_crew
from headless_wheel_builder.jobs.engines import EngineCrew, Host, find_hosts, host_for
from headless_wheel_builder.jobs.plan import Find, TargetStrategy, targets_of
from headless_wheel_builder.jobs.task import ProjectTasks
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.capacity import Capacity
    from headless_wheel_builder.jobs.scheduler import Scheduler


class Machines:
    """What the tasks are done on.

    :param hosts: engines, where there are more than one
    :param scheduler: None where everything is done by this process
    """

    def __init__(
        self,
        arguments: Arguments,
        strategies: Sequence[Provisioner],
        context: Context,
        hosts: Sequence[Host],
        scheduler: Scheduler | None,
    ) -> None:
        self._jobs = arguments.jobs
        self._strategies = strategies
        self._context = context
        self._hosts = hosts
        self._scheduler = scheduler

    @property
    def find(self) -> Find:
        """What finds targets there."""
        return targets_of if self._scheduler is None else self._scheduler.targets

    def context(self, strategy: Provisioner) -> Context:
        """Return the context of an engine that has a strategy's architecture, where there are engines."""
        if not (self._hosts and isinstance(strategy, TargetStrategy)):
            return self._context
        host = host_for(self._hosts, strategy.architecture)
        return changed(self._context, environ=host.environ(self._context.environ))

    def crew(self, plan: Sequence[ProjectTasks]) -> Crew:
        """Return who does the tasks of a plan."""
        if self._hosts:
            return EngineCrew(self._hosts)
        if self._scheduler is not None:
            from headless_wheel_builder.jobs.elsewhere import ElsewhereCrew

            return ElsewhereCrew(self._scheduler.submit, self._jobs or self._scheduler.slots)
        return thread_crew(plan, self._strategies, self._context, self._jobs)


@contextlib.contextmanager
def machines(arguments: Arguments, strategies: Sequence[Provisioner], context: Context) -> Iterator[Machines]:
    """Have what the arguments name, for the length of a `with` block.

    :raises RequestError: it must not be used
    :raises IsolationError: one of them does not answer
    """
    hosts = _hosts(arguments, strategies[0], context)
    if arguments.scheduler is None:
        yield Machines(arguments, strategies, context, hosts, None)
        return
    from headless_wheel_builder.jobs.scheduler import connected

    with connected(arguments.scheduler, context.processes) as scheduler:
        yield Machines(arguments, strategies, context, hosts, scheduler)


def _hosts(arguments: Arguments, strategy: Provisioner, context: Context) -> Sequence[Host]:
    if len(arguments.docker_hosts) < 2 or not isinstance(strategy, TargetStrategy):  # noqa: PLR2004 - one is for all
        return ()

    def ask(address: str) -> Capacity:
        return strategy.capacity(changed(context, environ=meaning(address, context.environ)))

    return find_hosts(arguments.docker_hosts, ask, arguments.jobs)

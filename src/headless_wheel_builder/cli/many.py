"""Many targets or sources: arguments → a run → exit code."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.cli.board import Board
from headless_wheel_builder.cli.command import current_folder
from headless_wheel_builder.cli.interruption import Interruption
from headless_wheel_builder.cli.settings import config_settings
from headless_wheel_builder.cli.strategies import strategies
from headless_wheel_builder.cli.summary import table
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.core.report import check_report, prepared_report
from headless_wheel_builder.core.stage import check_output_dir
from headless_wheel_builder.isolation.base import Context, Provisioner
from headless_wheel_builder.isolation.capacity import Capacity
from headless_wheel_builder.jobs.crew import Crew, thread_crew
from headless_wheel_builder.jobs.engines import EngineCrew, Host, find_hosts, host_for
from headless_wheel_builder.jobs.plan import Shard, Source, TargetStrategy, Wanted, plan_facts, planned
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import PROBLEMS, ProjectTasks, TaskResult
from headless_wheel_builder.process import Processes
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from headless_wheel_builder.jobs.scheduler import Scheduler


def run_many(arguments: Arguments, environ: Mapping[str, str], terminal: Terminal, interruption: Interruption) -> int:
    """Do what the arguments say, show it, and return the exit code.

    :param environ: the caller's
    :raises HeadlessWheelBuilderError: nothing can be begun
    :raises Interrupted: a signal ended the run; what was built by then stays
    """
    many = Many(arguments, environ, terminal)
    try:
        return interruption.run(many.run)
    finally:
        many.conclude()


class Many:
    """A run of the command line."""

    def __init__(self, arguments: Arguments, environ: Mapping[str, str], terminal: Terminal) -> None:
        self._arguments = arguments
        self._environ = dict(environ)
        self._terminal = terminal
        self._results: list[TaskResult] = []
        self._wanted = self._read()

    def run(self, processes: Processes) -> int:
        """Print the plan or build it, and return the exit code."""
        context = Context(
            environ=self._environ,
            processes=processes,
            report=self._terminal,
            verbosity=self._arguments.verbosity,
        )
        with self._elsewhere() as scheduler:
            return self._run(scheduler, context)

    def _run(self, scheduler: Scheduler | None, context: Context) -> int:
        hosts = self._hosts(context)
        find = None if scheduler is None else scheduler.targets
        plan = planned(self._wanted, context, lambda strategy: _at(hosts, strategy, context), find)
        if self._arguments.plan:
            requires = {source.path: source.requires_python for source in self._wanted.sources}
            self._terminal.data(json.dumps(plan_facts(plan, requires), indent=2))
            return 0
        self._check(plan)
        self._build(plan, self._crew(plan, hosts, scheduler, context), context)
        return 1 if any(result.status in PROBLEMS for result in self._results) else 0

    def conclude(self) -> None:
        """Say what came of everything."""
        if self._arguments.verbosity >= -1 and len(self._results) > 1:
            for line in table(self._results):
                self._terminal.note(line)
        built = [one.artifact.path.name for one in self._results if one.status == "built" and one.artifact is not None]
        if not any(one.status in PROBLEMS for one in self._results):
            self._terminal.built(built)

    def _read(self) -> Wanted:
        arguments = self._arguments
        settings = config_settings(arguments.config_settings, arguments.config_json, self._terminal)
        return Wanted(
            sources=tuple(Source(path=path) for path in arguments.srcdirs or [current_folder()]),
            strategies=tuple(strategies(arguments, self._environ)),
            output_dir=arguments.outdir,
            kinds=frozenset(arguments.distributions or ()),
            pythons=tuple(arguments.pythons),
            config_settings=settings,
            shard=Shard(1, 1) if arguments.shard is None else Shard.parse(arguments.shard),
        )

    def _check(self, plan: Sequence[ProjectTasks]) -> None:
        for tasks in plan:
            check_output_dir(tasks.project.output_dir)
        if self._arguments.report is not None:
            check_report(self._arguments.report, plan[0].project.output_dir if plan else "")

    def _hosts(self, context: Context) -> Sequence[Host]:
        """Return the engines, where there are more than one."""
        addresses, strategy = self._arguments.docker_hosts, self._wanted.strategies[0]
        if len(addresses) < 2 or not isinstance(strategy, TargetStrategy):  # noqa: PLR2004 - one is for all
            return ()

        def ask(address: str) -> Capacity:
            return strategy.capacity(changed(context, environ={**self._environ, "DOCKER_HOST": address}))

        return find_hosts(addresses, ask, self._arguments.jobs)

    @contextlib.contextmanager
    def _elsewhere(self) -> Iterator[Scheduler | None]:
        if self._arguments.scheduler is None:
            yield None
            return
        from headless_wheel_builder.jobs.scheduler import connected

        with connected(self._arguments.scheduler) as scheduler:
            yield scheduler

    def _crew(
        self, plan: Sequence[ProjectTasks], hosts: Sequence[Host], scheduler: Scheduler | None, context: Context
    ) -> Crew:
        if hosts:
            return EngineCrew(hosts)
        if scheduler is not None:
            from headless_wheel_builder.jobs.elsewhere import ElsewhereCrew

            return ElsewhereCrew(scheduler.submit, self._arguments.jobs or scheduler.slots)
        return thread_crew(plan, self._wanted.strategies, context, self._arguments.jobs)

    def _build(self, plan: Sequence[ProjectTasks], crew: Crew, context: Context) -> None:
        board = Board(self._terminal, self._environ, self._arguments.verbosity, names_projects=len(plan) > 1)
        run = Run(plan, crew, context, board, fail_fast=self._arguments.fail_fast)
        try:
            with board.drawing():
                for result in run.results():
                    self._results.append(result)
        finally:
            self._report(plan)

    def _report(self, plan: Sequence[ProjectTasks]) -> None:
        artifacts = [one.artifact for one in self._results if one.status == "built" and one.artifact is not None]
        output_dir = plan[0].project.output_dir if plan else ""
        with prepared_report(self._arguments.report, output_dir, artifacts) as commit:
            commit()


def _at(hosts: Sequence[Host], strategy: Provisioner, context: Context) -> Context:
    """Return the context of an engine that has the strategy's architecture, where there are engines."""
    if not (hosts and isinstance(strategy, TargetStrategy)):
        return context
    return changed(context, environ=host_for(hosts, strategy.architecture).environ(context.environ))

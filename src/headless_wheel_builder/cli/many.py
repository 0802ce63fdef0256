"""Many targets or sources: arguments → a run → exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.adjustment import Adjuster
from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.cli.auto import settled
from headless_wheel_builder.cli.board import Board
from headless_wheel_builder.cli.command import current_folder
from headless_wheel_builder.cli.escaping import as_json
from headless_wheel_builder.cli.inspection import Inspected, lines
from headless_wheel_builder.cli.interruption import Interruption
from headless_wheel_builder.cli.machines import machines
from headless_wheel_builder.cli.settings import config_settings
from headless_wheel_builder.cli.strategies import distinct, strategies
from headless_wheel_builder.cli.summary import table
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.core.analyzer import ProjectMetadata, analyze
from headless_wheel_builder.core.report import check_report, prepared_report
from headless_wheel_builder.core.result import Artifact
from headless_wheel_builder.core.stage import check_output_dir
from headless_wheel_builder.errors import HeadlessWheelBuilderError, OutputError, RequestError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.jobs.choice import Choice, known_source
from headless_wheel_builder.jobs.crew import Crew
from headless_wheel_builder.jobs.plan import Shard, Wanted, plan_facts, planned
from headless_wheel_builder.jobs.run import Run
from headless_wheel_builder.jobs.task import PROBLEMS, ProjectTasks, TaskResult
from headless_wheel_builder.process import Processes
from headless_wheel_builder.redaction import all_redacted, redacted
from headless_wheel_builder.temporary import all_temporary


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
        self._is_complete = False

    def run(self, processes: Processes) -> int:
        """Print what there is to be done or do it, and return the exit code."""
        context = Context(
            environ=self._environ,
            processes=processes,
            report=self._terminal,
            verbosity=self._arguments.verbosity,
            max_unpacked_size=self._arguments.unpacked_size,
        )
        sources = self._arguments.srcdirs or [current_folder()]
        known = {source: self._analyzed(source) for source in sources}
        self._arguments, choice = settled(self._arguments, [one for one in known.values() if one], context)
        wanted = self._wanted(known)
        with machines(self._arguments, wanted.strategies, context) as found:
            plan = planned(wanted, context, found.context, found.find)
            if self._arguments.inspect:
                self._show([_inspected(source, one, choice, plan) for source, one in known.items() if one])
            elif self._arguments.plan:
                requires = {source.path: source.requires_python for source in wanted.sources}
                self._terminal.data(as_json(plan_facts(plan, requires), ascii_only=True))
            else:
                self._check(plan)
                with all_temporary(self._terminal):
                    self._build(plan, found.crew(plan), context)
                return self._exit_code(plan)
        return 0

    def _exit_code(self, plan: Sequence[ProjectTasks]) -> int:
        if not plan:
            self._terminal.note(f"Part {self._arguments.shard} of the run has no targets")
        elif self._lacks_wheels:
            raise RequestError(
                "No wheel was built: no target is left",
                cause="The project is not for any interpreter that was asked for, or an override skips them.",
                hint="See which there are: --python all --plan",
            )
        self._is_complete = True
        return 1 if self._has_problems else 0

    def conclude(self) -> None:
        """Say what came of everything."""
        if self._arguments.verbosity >= -1 and len(self._results) > 1:
            for line in table(self._results):
                self._terminal.note(line)
        if self._is_complete and not self._has_problems:
            self._terminal.built([artifact.path.name for artifact in self._built])

    @property
    def _has_problems(self) -> bool:
        return any(one.status in PROBLEMS for one in self._results)

    @property
    def _lacks_wheels(self) -> bool:
        """Whether wheels were wanted and there are none, though nothing went wrong; another part may have them."""
        is_wanted = self._arguments.shard is None and set(self._arguments.distributions or ()) != {"sdist"}
        if not is_wanted or self._has_problems:
            return False
        wheels = {one.status for one in self._results if one.target is not None}
        # Where all targets are skipped, the sdist is what is left to be built.
        return wheels.isdisjoint({"built", "served"}) and bool(wheels or not self._built)

    @property
    def _built(self) -> list[Artifact]:
        return [one.artifact for one in self._results if one.status == "built" and one.artifact is not None]

    def _analyzed(self, source: str) -> ProjectMetadata | None:
        try:
            return analyze(source, size=self._arguments.unpacked_size)
        except HeadlessWheelBuilderError:
            if self._arguments.inspect or self._arguments.plan:
                raise
            return None  # its build says what is wrong, and the others are built

    def _wanted(self, known: Mapping[str, ProjectMetadata | None]) -> Wanted:
        arguments = self._arguments
        given = config_settings(arguments.config_settings, arguments.config_json, self._terminal)
        common = tuple(strategies(arguments, self._environ))
        return Wanted(
            sources=tuple(known_source(path, metadata) for path, metadata in known.items()),
            strategies=tuple(distinct(common)),
            output_dir=arguments.outdir,
            kinds=frozenset(arguments.distributions or ()),
            pythons=tuple(arguments.pythons),
            config_settings={**(arguments.configured_settings or {}), **given},
            timeout=arguments.timeout,
            shard=Shard(1, 1) if arguments.shard is None else Shard.parse(arguments.shard),
            adjust=Adjuster(arguments, self._environ, given, common),
        )

    def _show(self, found: Sequence[Inspected]) -> None:
        if self._arguments.json:
            self._terminal.data(as_json(all_redacted([one.facts() for one in found]), ascii_only=True))
        else:
            self._terminal.data("\n".join(escaping.line(redacted(line)) for one in found for line in lines(one)))

    def _check(self, plan: Sequence[ProjectTasks]) -> None:
        for tasks in plan:
            check_output_dir(tasks.project.output_dir)
        if self._arguments.report is not None:
            check_report(self._arguments.report, plan[0].project.output_dir if plan else "")

    def _build(self, plan: Sequence[ProjectTasks], crew: Crew, context: Context) -> None:
        board = Board(self._terminal, self._environ, self._arguments.verbosity, names_projects=len(plan) > 1)
        run = Run(plan, crew, context, board, fail_fast=bool(self._arguments.fail_fast))
        try:
            with board.drawing():
                for result in run.results():
                    self._results.append(result)
        except BaseException:  # the reason of the end comes before what is wrong with the report
            with contextlib.suppress(OutputError):
                self._report(plan)
            raise
        self._report(plan)

    def _report(self, plan: Sequence[ProjectTasks]) -> None:
        folders = {tasks.project.output_dir for tasks in plan}
        output_dir = folders.pop() if len(folders) == 1 else None
        with prepared_report(self._arguments.report, output_dir, self._built) as commit:
            commit()


def _inspected(
    source: str, metadata: ProjectMetadata, choice: Choice | None, plan: Sequence[ProjectTasks]
) -> Inspected:
    own = [tasks for tasks in plan if tasks.project.source == source]
    return Inspected(source, metadata, choice, plan_facts(own, {source: metadata.requires_python}))

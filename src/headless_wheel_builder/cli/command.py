"""Arguments in, exit code out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headless_wheel_builder.cli.arguments import Arguments, parse_arguments
from headless_wheel_builder.cli.configuration import configure
from headless_wheel_builder.cli.escaping import as_json
from headless_wheel_builder.cli.interruption import Interrupted, Interruption
from headless_wheel_builder.cli.settings import config_settings
from headless_wheel_builder.cli.strategies import strategies
from headless_wheel_builder.cli.terminal import Terminal
from headless_wheel_builder.cli.tip import tip
from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest, default_output_dir
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import BackendError, HeadlessWheelBuilderError, HookFailedError, RequestError
from headless_wheel_builder.hooks.headstart import HeadStart
from headless_wheel_builder.hooks.launcher import OutputMode
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.process import Processes
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.shortage import refused
from headless_wheel_builder.temporary import all_temporary


def run(argv: Sequence[str], prog: str | None, interruption: Interruption, ahead: HeadStart | None = None) -> int:
    """Do what the arguments say and return the exit code.

    :param prog: the program's name in messages; None for that of the script
    :param ahead: a hook host that runs already, in case it is wanted
    """
    try:
        arguments = parse_arguments(argv, prog, lambda given: configure(given, os.environ))
    except HeadlessWheelBuilderError as error:
        Terminal(os.environ, verbosity=0).error(error.message, error.cause, error.hint)
        return error.exit_code
    terminal = Terminal(os.environ, arguments.verbosity)
    try:
        if arguments.is_many:
            from headless_wheel_builder.cli.many import run_many

            return run_many(arguments, chosen(arguments, os.environ), terminal, interruption)
        _run(arguments, terminal, interruption, ahead)
    except HeadlessWheelBuilderError as error:
        _explain(error, arguments, terminal)
        return error.exit_code
    except Interrupted as interrupted:
        terminal.error(f"Interrupted by {interrupted.name}")
        return interrupted.exit_code
    except (OSError, MemoryError) as error:
        _explain(refused(error), arguments, terminal)
        return 1
    except Exception as error:  # noqa: BLE001 - our own bug: the user gets what a report of it needs
        import traceback

        terminal.output(redacted(traceback.format_exc()))
        terminal.error(f"{type(error).__name__}: {error}", "This is a bug in headless_wheel_builder; please report it.")
        return 1
    return 0


def _run(arguments: Arguments, terminal: Terminal, interruption: Interruption, ahead: HeadStart | None) -> None:
    source = current_folder() if arguments.srcdir is None else arguments.srcdir
    given = config_settings(arguments.config_settings, arguments.config_json, terminal)
    request = BuildRequest(
        source=source,
        output_dir=default_output_dir(source) if arguments.outdir is None else arguments.outdir,
        kinds=tuple(arguments.distributions or ()),
        python=arguments.python,
        config_settings={**(arguments.configured_settings or {}), **given},
        report=arguments.report,
        sdist_extract_dir=arguments.sdist_extract_dir,
        timeout=arguments.timeout,
    )

    work = _work(arguments, request, terminal)

    def build(processes: Processes) -> BuildResult | bytes:
        context = Context(
            environ=chosen(arguments, os.environ),
            processes=processes,
            report=terminal,
            verbosity=arguments.verbosity,
            hook_output=_hook_output(arguments),
            ahead=ahead,
            max_unpacked_size=arguments.unpacked_size,
        )
        own = (_settled(arguments, source, context), request)
        if arguments.has_overrides:
            from headless_wheel_builder.cli.adjustment import for_the_target

            own = for_the_target(own[0], request, given, context)
        with all_temporary(terminal):
            return work(Build(own[1], strategies(own[0], os.environ)[0], context))

    outcome = interruption.run(build)
    if isinstance(outcome, BuildResult):
        terminal.built([artifact.path.name for artifact in outcome.artifacts])
    else:
        _print_metadata(outcome, terminal)


def _settled(arguments: Arguments, source: str, context: Context) -> Arguments:
    if arguments.isolation != "auto":
        return arguments
    from headless_wheel_builder.cli.auto import settled
    from headless_wheel_builder.core.analyzer import analyze

    return settled(arguments, [analyze(source, size=arguments.unpacked_size)], context)[0]


def _work(arguments: Arguments, request: BuildRequest, terminal: Terminal) -> Callable[[Build], BuildResult | bytes]:
    work: Callable[[Build], BuildResult | bytes] = Build.metadata if arguments.metadata else Build.run
    if arguments.timings is None:
        return work
    from headless_wheel_builder.cli.timings import Timings

    timings = Timings(arguments.timings, request, terminal, metadata=arguments.metadata)
    timings.check()
    return timings.of(work)


def chosen(arguments: Arguments, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that builds start from, with the engine that the arguments name."""
    if not arguments.docker_hosts:
        return dict(environ)
    from headless_wheel_builder.isolation.docker.endpoint import meaning

    return meaning(arguments.docker_hosts[0], environ)


def current_folder() -> str:
    """Return the current folder.

    :raises RequestError: there is none any more
    """
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise RequestError(
            "The current folder does not exist any more", hint="Change to another one, or name the source."
        ) from None


def _hook_output(arguments: Arguments) -> OutputMode:
    if arguments.metadata:
        return "lines"
    return "inherit" if arguments.verbosity >= 0 else "capture"


def _print_metadata(content: bytes, terminal: Terminal) -> None:
    from headless_wheel_builder.core.metadata import parsed_metadata

    metadata: dict[str, Any] = parsed_metadata(content)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = as_json(metadata)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = as_json(metadata, ascii_only=True)
    terminal.data(text)


def _explain(error: HeadlessWheelBuilderError, arguments: Arguments, terminal: Terminal) -> None:
    # Where output is not captured, or was shown line by line, the user has seen it.
    if isinstance(error, HookFailedError) and not (arguments.metadata and arguments.verbosity > 0):
        import textwrap

        terminal.output(textwrap.indent(error.log, "< ") if arguments.metadata else error.log)
    if isinstance(error, BackendError) and (advice := tip(arguments, error.hook)):
        terminal.tip(advice)
    terminal.error(error.message, error.cause, error.hint)

"""Do a job, wherever this runs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.errors import HeadlessWheelBuilderError
from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.interpreters import running_interpreter
from headless_wheel_builder.isolation.portable import strategy_of
from headless_wheel_builder.isolation.targets import VersionTarget, parse_target
from headless_wheel_builder.jobs.crew import sharing
from headless_wheel_builder.jobs.job import Done, Job
from headless_wheel_builder.process import Processes
from headless_wheel_builder.shortage import refused
from headless_wheel_builder.temporary import temporary_folder
from headless_wheel_builder.values import changed


def perform(
    request: str,
    sdist: bytes,
    environ: Mapping[str, str],
    processes: Processes | None = None,
    report: Reporter = silent,
    *,
    share: Mapping[str, str] | None = None,
) -> Done:
    """Build a wheel from an sdist, and leave nothing behind; doing it twice does no harm.

    :param request: a `Job` as JSON
    :param sdist: the sdist's bytes
    :param environ: the environment that the build starts from
    :param processes: is cancelled when the job is to end early
    :param report: gets its events
    :param share: variables that tell backends how much they may do at once
    :raises Cancelled: it was to end early
    """
    context = Context(environ=environ, processes=processes or Processes(), report=report)
    try:
        job = Job.of_json(request)
        context = changed(context, max_unpacked_size=job.max_unpacked_size)
        return _performed(job, sdist, sharing(context, share or {}))
    except HeadlessWheelBuilderError as error:
        return Done.of_error(error)
    except (OSError, MemoryError) as error:
        return Done.of_error(refused(error))


def _performed(job: Job, sdist: bytes, context: Context) -> Done:
    with temporary_folder("hwb-job-", context.report) as folder:
        source = os.path.join(folder, os.path.basename(job.sdist))
        with open(source, "wb") as file:
            file.write(sdist)
        built = os.path.join(folder, "built")
        request = BuildRequest(
            source=source,
            output_dir=built,
            kinds=("wheel",),
            python=_python(job),
            config_settings=job.config_settings,
            timeout=job.timeout,
        )
        return Done.of_result(Build(request, strategy_of(job.strategy, folder), context).run())


def _python(job: Job) -> str | None:
    """Return the interpreter as a strategy takes it; None for the one that runs this, which discovery may not find."""
    if job.strategy["kind"] != "venv":
        return job.python
    wanted, running = parse_target(job.python), running_interpreter()
    is_meant = isinstance(wanted, VersionTarget) and wanted.matches(
        running.implementation, running.version, free_threaded=running.free_threaded
    )
    return None if is_meant else job.python

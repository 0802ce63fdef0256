"""The time that a build may take."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from headless_wheel_builder.background import begin
from headless_wheel_builder.errors import DeadlineError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.process import Cancelled
from headless_wheel_builder.values import changed


@contextlib.contextmanager
def limited(context: Context, seconds: float | None) -> Iterator[Context]:
    """Have a context whose processes are ended after so many seconds, for the length of a `with` block.

    :param seconds: None for no limit
    :raises DeadlineError: they were
    """
    if seconds is None:
        yield context
        return
    processes = context.processes.part()
    timer = threading.Timer(seconds, processes.cancel)
    timer.daemon = True
    try:
        begin(timer)
        yield changed(context, processes=processes)
    except Cancelled:
        # Unless the build was cancelled by somebody else.
        context.processes.checkpoint()
        raise _late(context, seconds) from None
    finally:
        timer.cancel()
        context.processes.remove(processes)


def _late(context: Context, seconds: float) -> DeadlineError:
    phase = next((span.name for span in reversed(context.timeline.spans()) if span.failed), "start")
    return DeadlineError(
        f"The build took longer than {seconds:g} seconds",
        cause=f"It was ended in the phase `{phase}`; nothing was published.",
        hint="Give it more with --timeout. --timings shows what takes long, --hook-silence where a backend hangs.",
    )

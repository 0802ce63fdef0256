"""Run the blocking core on a thread of its own, for callers that use asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from headless_wheel_builder.process import Cancelled, Processes

T = TypeVar("T")


async def run_blocking(work: Callable[[Processes], T]) -> T:
    """Run `work` on a thread of its own and return what it returns.

    When the awaiting task is cancelled, the processes that `work` started are ended, and only when `work` has cleaned
    up and returned is the cancellation passed on.

    :param work: gets the `Processes` that it must start everything with
    """
    processes = Processes()
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        # The loop is closed when its owner did not wait for the cancellation to end.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(set_outcome)

    def run() -> None:
        try:
            result = work(processes)
        except BaseException as error:  # noqa: BLE001 - raised again in the awaiting task
            # A future cannot hold a StopIteration.
            is_foreign = isinstance(error, (Cancelled, StopIteration))
            failure = RuntimeError(repr(error)) if is_foreign else error
            settle(lambda: outcome.set_exception(failure))
        else:
            settle(lambda: outcome.set_result(result))

    threading.Thread(target=run, name="headless_wheel_builder", daemon=True).start()
    return await _shielded(outcome, processes)


async def _shielded(outcome: asyncio.Future[T], processes: Processes) -> T:
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        processes.cancel()
        while not outcome.done():
            # Cancelled once more: whoever waits must still not see a half cleaned-up build.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([outcome])
        outcome.exception()
        raise

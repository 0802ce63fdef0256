"""Run the blocking core on a thread of its own, for callers that use asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from headless_wheel_builder.background import begin
from headless_wheel_builder.guard import Guard, GuardedProcesses
from headless_wheel_builder.process import Cancelled, Processes

T = TypeVar("T")


async def run_blocking(work: Callable[[Processes], T]) -> T:
    """Run `work` on a thread of its own and return what it returns.

    When the awaiting task is cancelled, the processes that `work` started are ended, and only when `work` has cleaned
    up and returned is the cancellation passed on.

    :param work: gets the `Processes` that it must start everything with
    """
    guard = Guard()
    processes = GuardedProcesses(guard)
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        # The loop is closed when its owner did not wait for the cancellation to end.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(set_outcome)

    def run() -> None:
        try:
            with contextlib.closing(guard):
                result = work(processes)
        except BaseException as error:  # noqa: BLE001 - raised again in the awaiting task
            # A future cannot hold a StopIteration.
            is_foreign = isinstance(error, (Cancelled, StopIteration))
            failure = RuntimeError(repr(error)) if is_foreign else error
            settle(lambda: outcome.set_exception(failure))
        else:
            settle(lambda: outcome.set_result(result))

    begin(threading.Thread(target=run, name="headless_wheel_builder", daemon=True))
    return await _shielded(outcome, processes)


async def iterate_blocking(work: Callable[[Processes], Iterator[T]]) -> AsyncIterator[T]:
    """Run `work` on a thread of its own and yield what it yields, as soon as it does.

    When the iterator is closed early, or the task that awaits it is cancelled, the processes that `work` started are
    ended, and it has cleaned up and returned before the iterator does.
    """
    loop = asyncio.get_running_loop()
    # None is the end.
    items: asyncio.Queue[tuple[T] | None] = asyncio.Queue()

    def hand_on(processes: Processes) -> None:
        for item in work(processes):
            with contextlib.suppress(RuntimeError):  # a closed loop, as above
                loop.call_soon_threadsafe(items.put_nowait, (item,))

    working = asyncio.ensure_future(run_blocking(hand_on))
    working.add_done_callback(lambda _: items.put_nowait(None))
    try:
        while (item := await items.get()) is not None:
            yield item[0]
        await working
    finally:
        if not working.done():
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
        elif not working.cancelled():
            working.exception()  # which nobody is there to be told any more


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

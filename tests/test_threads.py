from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import is_gone, pid_in

from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.threads import iterate_blocking, run_blocking

SLEEP = ["/bin/sh", "-c", "echo $$ > pid; sleep 60"]
ENV = {"PATH": os.defpath}


class Work:
    """Blocking work that runs a long program, and takes a while to clean up behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cleaned = False

    def __call__(self, processes: Processes) -> None:
        try:
            processes.run(SLEEP, env=ENV, cwd=self.folder)
        finally:
            time.sleep(0.3)
            self.cleaned = True

    async def started(self) -> int:
        return await asyncio.to_thread(pid_in, self.folder / "pid")


def test_the_result_comes_back_from_another_thread() -> None:
    async def main() -> tuple[int, int]:
        return await run_blocking(lambda _: threading.get_ident()), threading.get_ident()

    worker, loop = asyncio.run(main())
    assert worker != loop


def test_the_loop_runs_on_while_the_work_blocks() -> None:
    gate = threading.Event()

    async def main() -> bool:
        task = asyncio.create_task(run_blocking(lambda _: gate.wait(20)))
        await asyncio.sleep(0.05)
        gate.set()
        return await task

    assert asyncio.run(main())


def test_an_exception_comes_out_as_it_is() -> None:
    error = LookupError("lost")

    def work(_: Processes) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        asyncio.run(run_blocking(work))
    assert caught.value is error


def test_cancelling_returns_only_after_the_cleaning_up(tmp_path: Path) -> None:
    work = Work(tmp_path)

    async def main() -> None:
        task = asyncio.create_task(run_blocking(work))
        pid = await work.started()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert work.cleaned
        assert is_gone(pid)

    asyncio.run(main())


def test_cancelling_twice_still_waits_for_the_cleaning_up(tmp_path: Path) -> None:
    work = Work(tmp_path)

    async def main() -> None:
        task = asyncio.create_task(run_blocking(work))
        await work.started()
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.cleaned

    asyncio.run(main())


def test_a_deadline_is_a_timeout_error(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(run_blocking(work), 0.3))
    assert work.cleaned


def test_work_that_fails_while_it_is_cancelled_says_nothing_more(tmp_path: Path) -> None:
    def work(processes: Processes) -> None:
        try:
            processes.run(SLEEP, env=ENV, cwd=tmp_path)
        except Cancelled:
            raise LookupError("while cleaning up") from None

    async def main() -> None:
        task = asyncio.create_task(run_blocking(work))
        await asyncio.to_thread(pid_in, tmp_path / "pid")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_two_pieces_of_work_run_at_once_and_are_cancelled_apart(tmp_path: Path) -> None:
    gate = threading.Event()
    long = Work(tmp_path)

    async def main() -> bool:
        cancelled = asyncio.create_task(run_blocking(long))
        other = asyncio.create_task(run_blocking(lambda _: gate.wait(20)))
        await long.started()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        gate.set()
        return await other

    assert asyncio.run(main())


def test_items_come_one_by_one_and_an_exception_comes_after_them() -> None:
    gate = threading.Event()
    found: list[object] = []

    def work(_: Processes) -> Iterator[int | None]:
        yield 1
        assert gate.wait(20)
        yield None
        raise LookupError("lost")

    async def main() -> None:
        async for item in iterate_blocking(work):
            found.append(item)
            gate.set()

    with pytest.raises(LookupError, match="lost"):
        asyncio.run(main())
    assert found == [1, None]


class ManyItems(Work):
    """Work that has handed an item on before it takes long."""

    def items(self, processes: Processes) -> Iterator[int]:
        yield 1
        self(processes)

    async def taken(self) -> None:
        async for _ in iterate_blocking(self.items):
            pass


def test_an_iterator_that_is_closed_early_returns_after_the_cleaning_up(tmp_path: Path) -> None:
    work = ManyItems(tmp_path)

    async def main() -> int:
        items = iterate_blocking(work.items)
        assert await items.__anext__() == 1
        pid = await work.started()
        await items.aclose()  # type: ignore[attr-defined]
        assert work.cleaned
        return pid

    assert is_gone(asyncio.run(main()))


def test_nothing_is_left_on_the_loop_when_who_waits_for_an_item_is_cancelled(tmp_path: Path) -> None:
    work = ManyItems(tmp_path)
    complaints: list[dict[str, object]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        task = asyncio.create_task(work.taken())
        await work.started()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.cleaned
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()
    assert complaints == []


def test_a_failure_after_the_last_item_that_was_wanted_is_nobodys() -> None:
    complaints: list[dict[str, object]] = []
    failed = threading.Event()

    def work(_: Processes) -> Iterator[int]:
        yield 1
        failed.set()
        raise LookupError("lost")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        items = iterate_blocking(work)
        await items.__anext__()
        await asyncio.to_thread(failed.wait, 20)
        await asyncio.sleep(0.05)
        await items.aclose()  # type: ignore[attr-defined]
        gc.collect()

    asyncio.run(main())
    assert complaints == []

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest
from support import is_gone, pid_in

from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.threads import run_blocking

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

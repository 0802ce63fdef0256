from __future__ import annotations

import threading

import pytest

from headless_wheel_builder.background import Background, awaited
from headless_wheel_builder.process import Cancelled, Processes


def test_the_result_comes_to_whoever_asks_however_often() -> None:
    work = Background(lambda: 42)
    assert [work.result(), work.result()] == [42, 42]


def test_work_goes_on_beside() -> None:
    go_on = threading.Event()
    work = Background(lambda: go_on.wait(20)).start()
    go_on.set()
    assert work.result()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_is_raised_where_the_result_is_asked_for(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    work = Background(fail).start()
    work.wait()
    with pytest.raises(error):
        work.result()


def test_it_begins_once_and_only_when_it_is_started() -> None:
    begun: list[int] = []
    work = Background(lambda: begun.append(1))
    work.wait()
    assert begun == []
    work.start().start().wait()
    assert (begun, work.has_ended) == ([1], True)


def test_whoever_is_told_of_the_end_has_the_result() -> None:
    told: list[int] = []
    work = Background(lambda: 42, at_end=lambda: told.append(work.result()))
    work.start().wait()
    assert told == [42]


def test_what_is_awaited_is_returned_or_raised() -> None:
    assert awaited(lambda: 42, Processes()) == 42
    with pytest.raises(ZeroDivisionError):
        awaited(lambda: 1 / 0, Processes())


def test_what_is_awaited_is_left_alone_when_the_build_is_cancelled() -> None:
    processes, begun, go_on = Processes(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(20)

    def cancel() -> None:
        begun.wait(20)
        processes.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(Cancelled):
        awaited(work, processes)
    assert not go_on.is_set()
    go_on.set()


def test_without_a_thread_it_has_not_begun_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    work = Background(lambda: 42)
    with pytest.raises(BlockingIOError, match="No thread can be started"):
        work.start()
    work.wait()
    monkeypatch.undo()
    assert work.result() == 42

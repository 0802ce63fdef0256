from __future__ import annotations

import threading

import pytest

from headless_wheel_builder.background import Background


def test_the_result_comes_to_whoever_asks_however_often() -> None:
    work = Background(lambda: 42)
    assert [work.result(), work.result()] == [42, 42]


def test_work_goes_on_beside() -> None:
    go_on = threading.Event()
    work = Background(lambda: go_on.wait(20))
    go_on.set()
    assert work.result()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_is_raised_where_the_result_is_asked_for(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    work = Background(fail)
    work.wait()
    with pytest.raises(error):
        work.result()

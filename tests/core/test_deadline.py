"""A build that may take so long and no longer."""

from __future__ import annotations

import sys
import threading

import pytest
from support import make_context, wait_for

from headless_wheel_builder.core.deadline import limited
from headless_wheel_builder.errors import DeadlineError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.process import Cancelled

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def sleep(context: Context) -> None:
    with context.timeline.span("provision"):
        pass
    with context.timeline.span("wheel"):
        context.processes.run(SLEEP, env={})


def test_what_takes_too_long_is_ended_and_told_where_it_was() -> None:
    context = make_context()
    with pytest.raises(DeadlineError) as caught, limited(context, 0.05) as own:
        sleep(own)
    assert caught.value.message == "The build took longer than 0.05 seconds"
    assert "phase `wheel`" in caught.value.cause
    assert "--timeout" in caught.value.hint
    # Others of the same run go on.
    context.processes.checkpoint()
    assert context.processes.run([sys.executable, "-c", ""], env={}) == 0


def test_what_somebody_else_ends_did_not_take_too_long() -> None:
    context = make_context()
    threading.Timer(0.2, context.processes.cancel).start()
    with pytest.raises(Cancelled), limited(context, 600) as own:
        sleep(own)


def test_what_is_in_time_is_left_alone() -> None:
    context = make_context()
    with limited(context, 600) as own:
        assert own.processes.run([sys.executable, "-c", ""], env={}) == 0
    wait_for(lambda: not any(isinstance(one, threading.Timer) for one in threading.enumerate()))


def test_an_error_of_the_build_itself_is_passed_on() -> None:
    with pytest.raises(KeyError), limited(make_context(), 600):
        raise KeyError


def test_without_a_limit_nothing_is_different() -> None:
    context = make_context()
    with limited(context, None) as own:
        assert own is context

from __future__ import annotations

import threading

import pytest

from headless_wheel_builder.timeline import MAIN, Span, Timeline


class Clock:
    """Stands still until it is told to go on; it did not begin at zero."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timeline(clock: Clock) -> Timeline:
    return Timeline(clock)


def test_a_timeline_begins_when_it_is_made(clock: Clock, timeline: Timeline) -> None:
    assert timeline.now() == 0.0
    clock.seconds += 1.5
    assert timeline.now() == 1.5
    assert (timeline.spans(), timeline.durations()) == ((), {})


def test_a_span_is_as_long_as_its_block(clock: Clock, timeline: Timeline) -> None:
    clock.seconds += 1
    with timeline.span("wheel"):
        clock.seconds += 2
        assert timeline.spans() == ()
    clock.seconds += 4
    assert timeline.spans() == (Span("wheel", 1.0, 3.0, MAIN, failed=False),)
    assert timeline.spans()[0].duration == 2.0


def test_a_span_that_an_error_ends_is_recorded_as_failed(clock: Clock, timeline: Timeline) -> None:
    def fail() -> None:
        with timeline.span("outer"):
            clock.seconds += 1
            with timeline.span("inner"):
                clock.seconds += 1
                raise KeyboardInterrupt

    with timeline.span("before"):
        clock.seconds += 1
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(span.name, span.end, span.failed) for span in timeline.spans()] == [
        ("before", 1.0, False),
        ("outer", 3.0, True),
        ("inner", 3.0, True),
    ]


def test_spans_come_in_order_of_start_and_the_outer_before_the_inner(clock: Clock, timeline: Timeline) -> None:
    with timeline.span("outer"):
        with timeline.span("inner"):
            clock.seconds += 1
        clock.seconds += 1
        with timeline.span("later"):
            clock.seconds += 1
    assert [span.name for span in timeline.spans()] == ["outer", "inner", "later"]


def test_durations_are_sums_by_name_in_order_of_first_start(clock: Clock, timeline: Timeline) -> None:
    for name, seconds in (("provision", 4), ("sdist", 1), ("provision", 2), ("wheel", 8)):
        with timeline.span(name):
            clock.seconds += seconds
    assert list(timeline.durations().items()) == [("provision", 6.0), ("sdist", 1.0), ("wheel", 8.0)]


def test_what_runs_on_another_thread_has_its_lane_and_overlaps(clock: Clock, timeline: Timeline) -> None:
    entered, leave = threading.Event(), threading.Event()

    def resolve() -> None:
        with timeline.span("resolve", lane="resolver"):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=resolve)
    thread.start()
    assert entered.wait(20)
    clock.seconds += 1
    with timeline.span("sdist"):
        clock.seconds += 1
        leave.set()
        thread.join(20)
    assert timeline.spans() == (Span("resolve", 0.0, 2.0, "resolver"), Span("sdist", 1.0, 2.0))


def test_no_span_of_many_threads_is_lost(timeline: Timeline) -> None:
    def work() -> None:
        for _ in range(500):
            with timeline.span("work"):
                timeline.spans()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(timeline.spans()) == 2000


def test_spans_are_frozen_and_those_given_out_do_not_grow(timeline: Timeline) -> None:
    with timeline.span("one"):
        pass
    given = timeline.spans()
    with timeline.span("two"):
        pass
    assert len(given) == 1
    with pytest.raises(AttributeError):
        given[0].name = "x"  # type: ignore[misc]


def test_the_clock_of_a_timeline_runs_by_itself() -> None:
    timeline = Timeline()
    assert 0 <= timeline.now() < timeline.now() < 60

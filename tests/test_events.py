from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable

import pytest

from headless_wheel_builder import events
from headless_wheel_builder.events import EnvironmentCreating, Event, Reporter, silent

EVENTS = typing.get_args(Event)


def test_every_event_class_is_in_the_union() -> None:
    classes = {item for item in vars(events).values() if dataclasses.is_dataclass(item)}
    assert classes == set(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_cannot_be_changed(event: Callable[..., Event]) -> None:
    values = range(len(inspect.signature(event).parameters))
    one = event(*values)
    assert one == event(*values)
    for field in dataclasses.fields(one):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, "changed")


def test_the_silent_reporter_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    reporter: Reporter = silent
    reporter(EnvironmentCreating("venv"))
    assert capfd.readouterr() == ("", "")

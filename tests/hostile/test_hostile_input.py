"""Whatever comes from others: no error but ours, nothing written elsewhere, and an end."""

from __future__ import annotations

import pytest
from hostile.everything import EVERYTHING
from hostile.properties import EndlessError, Work, bounded, nothing_outside, only_our_errors, written
from hypothesis import given

from headless_wheel_builder.errors import SdistError

EXAMPLES = 100


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_does_no_harm(name: str) -> None:
    hostile, survive = EVERYTHING[name]
    bounded(EXAMPLES)(given(hostile)(survive))()


def test_what_is_written_elsewhere_is_seen() -> None:
    with pytest.raises(AssertionError, match="evil"), nothing_outside() as place:
        (place.parent / "evil").touch()


def test_what_is_odd_is_seen() -> None:
    with nothing_outside() as place:
        (place / "file").write_bytes(bytes(5))
        assert written(place) == 5
        (place / "link").symlink_to("/etc")
        with pytest.raises(AssertionError, match="link"):
            written(place)


def test_work_without_end_is_seen() -> None:
    work = Work()

    def endless() -> None:
        while True:
            work()

    with pytest.raises(EndlessError):
        endless()


@pytest.mark.parametrize("error", [ValueError("x"), SdistError("x" * 100_000)])
def test_other_errors_and_endless_ones_are_seen(error: Exception) -> None:
    with pytest.raises((ValueError, AssertionError)), only_our_errors():
        raise error

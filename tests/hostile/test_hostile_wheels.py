from __future__ import annotations

from hostile.properties import bounded
from hostile.wheels import WHEELS, survive_wheel
from hypothesis import given


@bounded(100)
@given(WHEELS)
def test_no_wheel_does_harm(named: tuple[str, bytes]) -> None:
    survive_wheel(named)

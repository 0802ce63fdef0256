from __future__ import annotations

from hostile.properties import bounded
from hostile.sdists import SDISTS, survive_sdist
from hypothesis import given


@bounded(120)
@given(SDISTS)
def test_no_sdist_does_harm(content: bytes) -> None:
    survive_sdist(content)

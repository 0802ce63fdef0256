from __future__ import annotations

from hostile.projects import DOCUMENTS, survive_project
from hostile.properties import bounded
from hypothesis import given


@bounded(80)
@given(DOCUMENTS)
def test_no_pyproject_does_harm(content: bytes) -> None:
    survive_project(content)

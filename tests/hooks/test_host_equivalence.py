"""A hook in a host cannot be told from one in a fresh interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import Ways, backend
from scenarios import EQUAL, EXITS, UNSAFE


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    return Ways(tmp_path)


@pytest.mark.parametrize("name", EQUAL)
def test_a_captured_hook_is_as_in_a_fresh_interpreter(ways: Ways, name: str) -> None:
    hosted, fresh = ways.both(EQUAL[name])
    assert hosted == fresh


@pytest.mark.parametrize("name", UNSAFE)
def test_a_backend_that_cannot_be_forked_gets_fresh_interpreters(ways: Ways, name: str) -> None:
    at_import, reason = UNSAFE[name]
    hosted, fresh = ways.both(backend(at_import, "print('hook'); return 'x'"), reasons=[reason])
    assert hosted == fresh

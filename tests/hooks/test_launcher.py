from __future__ import annotations

import pytest

from headless_wheel_builder.hooks.launcher import BackendPlace


@pytest.mark.parametrize(
    ("name", "module"), [("backend", "backend"), ("a.b", "a.b"), ("a.b:object", "a.b"), ("a:b.c", "a")]
)
def test_what_is_imported_for_a_backend_is_its_module(name: str, module: str) -> None:
    assert BackendPlace("/source", name).module == module

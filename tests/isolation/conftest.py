from __future__ import annotations

import os
from pathlib import Path

import pytest

from headless_wheel_builder.isolation.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(root: Path) -> Store:
    return Store(os.fspath(root))

from __future__ import annotations

import os
from pathlib import Path

import pytest
from frontends import Frontends


@pytest.fixture
def frontends(tmp_path: Path) -> Frontends:
    """Both command lines, as processes of this interpreter."""
    return Frontends(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what builds keep in a folder of the tests, which share it as builds of a user do."""
    os.environ["HWB_CACHE_DIR"] = os.fspath(tmp_path_factory.mktemp("hwb-cache"))

from __future__ import annotations

from pathlib import Path

import pytest
from frontends import Frontends


@pytest.fixture
def frontends(tmp_path: Path) -> Frontends:
    """Both command lines, as processes of this interpreter."""
    return Frontends(tmp_path)

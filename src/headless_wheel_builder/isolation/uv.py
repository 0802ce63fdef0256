"""Find the uv program."""

from __future__ import annotations

import shutil
from collections.abc import Mapping


def find_uv(environ: Mapping[str, str]) -> str | None:
    """Return the path of uv: the one installed beside us, else `$UV`, else the one on PATH; None without any."""
    try:
        import uv

        return uv.find_uv_bin()
    except (ModuleNotFoundError, FileNotFoundError):
        return shutil.which(environ.get("UV") or "uv", path=environ.get("PATH"))

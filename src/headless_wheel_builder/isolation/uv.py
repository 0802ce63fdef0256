"""Find the uv program."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from headless_wheel_builder.values import value


@value
class Uv:
    """The uv program, and whether it is another one than the one installed beside us."""

    path: str
    is_external: bool


def find_uv(environ: Mapping[str, str]) -> Uv | None:
    """Return the uv installed beside us, else that of `$UV`, else the one on PATH; None without any."""
    try:
        import uv

        return Uv(uv.find_uv_bin(), is_external=False)
    except (ModuleNotFoundError, FileNotFoundError):
        external = shutil.which(environ.get("UV") or "uv", path=environ.get("PATH"))
        return None if external is None else Uv(external, is_external=True)

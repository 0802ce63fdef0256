"""Find the uv program."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Mapping

from headless_wheel_builder.values import value

# sysconfig, which uv asks, is not safe in threads before Python 3.12 (cpython 92452).
_SYSCONFIG = threading.Lock()


@value
class Uv:
    """The uv program, and whether it is another one than the one installed beside us."""

    path: str
    is_external: bool


def find_uv(environ: Mapping[str, str]) -> Uv | None:
    """Return the uv installed beside us, else that of `$UV`, else the one on PATH; None without any."""
    if beside := _in_this_environment():
        return Uv(beside, is_external=False)
    try:
        import uv

        with _SYSCONFIG:
            return Uv(uv.find_uv_bin(), is_external=False)
    except (ModuleNotFoundError, FileNotFoundError):
        external = shutil.which(environ.get("UV") or "uv", path=environ.get("PATH"))
        return None if external is None else Uv(external, is_external=True)


def _in_this_environment() -> str | None:
    # What uv.find_uv_bin() says of a virtual environment, without its detour through sysconfig.
    path = os.path.join(os.path.dirname(sys.executable), "uv.exe" if os.name == "nt" else "uv")
    is_there = sys.prefix != sys.base_prefix and os.path.isfile(path) and importlib.util.find_spec("uv") is not None
    return path if is_there else None

"""Where modules come from."""

from __future__ import annotations

import os

LIBRARY = os.path.dirname(os.__file__)


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is inside a folder, by their names."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def is_library(module: object) -> bool:
    """Tell whether a module is one of the standard library."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
    return origin in {"built-in", "frozen"} or (is_below(origin, LIBRARY) and "-packages" not in origin)

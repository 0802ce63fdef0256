"""Where modules come from."""

from __future__ import annotations

import os
import sys

LIBRARY = os.path.dirname(os.__file__)


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is inside a folder, by their names."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def is_library(module: object) -> bool:
    """Tell whether a module is one of the standard library."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
    return origin in {"built-in", "frozen"} or _is_of_library(origin)


def is_foreign(file: object) -> bool:
    """Tell whether a file is one of machine code, and none of the standard library's."""
    return isinstance(file, str) and file.endswith(".so") and not _is_of_library(file)


def file_of(module: object) -> object:
    """Return what a module says that it was loaded from."""
    # Nothing is asked that has code of its own: some modules are imported by the first question.
    return vars(module).get("__file__") if type(module) is type(sys) else None


def _is_of_library(path: str) -> bool:
    return is_below(path, LIBRARY) and "-packages" not in path

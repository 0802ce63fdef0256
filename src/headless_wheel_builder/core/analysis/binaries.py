"""Compiled files that are in the tree already, and that a wheel would carry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Those of other systems (.dll, .dylib) are data to a wheel that is built on Linux.
_BINARY: Final = re.compile(r"\.(?:so|pyd)$|\.so(?:\.\d+)+$", re.IGNORECASE)
_ROOTS: Final = frozenset(["src", "lib", "python", "py_src"])
_ELSEWHERE: Final = frozenset(
    ["test", "tests", "testing", "docs", "doc", "examples", "example", "samples", "benchmarks", "data", "fixtures"]
)


def shipped(files: Iterable[str]) -> list[str]:
    """Return the compiled files of packages, without those that only tests use."""
    found = [name for name in files if _BINARY.search(name)]
    if not found:
        return []
    packages = {name.rpartition("/")[0] for name in files if name.endswith("/__init__.py")}
    return [name for name in found if _is_packaged(name, packages)]


def _is_packaged(name: str, packages: set[str]) -> bool:
    parts = name.split("/")[:-1]
    if _ELSEWHERE & {part.lower() for part in parts}:
        return False
    tops = {"/".join(parts[:1]), "/".join(parts[:2]) if parts[:1] and parts[0] in _ROOTS else ""}
    return bool(tops & packages)

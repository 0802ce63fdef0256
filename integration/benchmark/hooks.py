"""Call the hooks that a build needs, directly, and write the seconds that they took to a file.

This runs in the environment of the tools; the hooks run in an environment that is ready, each in a new interpreter,
with the default runner of pyproject-hooks. Unpacking the sdist in between is not a hook's work and does not count. The
arguments are the backend, the interpreter, the output folder, the file, and the kind.
"""

from __future__ import annotations

import os
import sys
import tarfile
import time
from pathlib import Path

from pyproject_hooks import BuildBackendHookCaller


def build(tree: Path, backend: str, python: str, out: str, kind: str) -> tuple[float, str]:
    """Build an sdist or a wheel; return the seconds and its name."""
    hooks = BuildBackendHookCaller(str(tree), backend, python_executable=python)
    start = time.perf_counter()
    asked = getattr(hooks, f"get_requires_for_build_{kind}")()
    name: str = getattr(hooks, f"build_{kind}")(out)
    seconds = time.perf_counter() - start
    if asked:
        sys.exit(f"{backend} asks for {asked}, which a ready environment would have to have")
    return seconds, name


def unpacked(sdist: Path, into: Path) -> Path:
    """Unpack an sdist and return the tree."""
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
    (tree,) = into.iterdir()
    return tree


def main() -> None:
    """Call them for an sdist, a wheel, or an sdist and the wheel from it."""
    backend, python, out, report, kind = sys.argv[1:]
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(python), os.environ["PATH"]])
    tree, seconds = Path.cwd(), 0.0
    for step in ("sdist", "wheel") if kind == "default" else (kind,):
        took, name = build(tree, backend, python, out, step)
        seconds += took
        if (kind, step) == ("default", "sdist"):
            tree = unpacked(Path(out, name), Path(out).parent / "unpacked")
    Path(report).write_text(str(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()

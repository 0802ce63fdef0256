"""Tell what an image has to build wheels with, as JSON in the file that is named: `look.py ANSWER DESCRIBE [PYTHON]`.

DESCRIBE is a program that every interpreter runs to tell what it is; if one is named, that is the only one.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

# Where images of the Python Packaging Authority have theirs, each below a name like cp312-cp312.
HOME = "/opt/python"
# Where tools are that images do not have.
OWN = "/hwb/tools/bin"
# Of a module that nothing which runs before imports.
COMPILED = "argparse.*.pyc"
TOOLS = ("auditwheel", "patchelf", "strip", "uv", "manylinux-interpreters")


def interpreters(describe: str, among: Iterable[str]) -> list[dict[str, Any]]:
    """Return what each interpreter says of itself, in the order in which they are preferred."""
    found: dict[str, dict[str, Any]] = {}
    # All at once, as each takes its time.
    for path, process in [(path, started([path, "-I", describe])) for path in among]:
        facts = described(process)
        if facts is not None:
            key = os.path.realpath(facts["executable"]) + facts["site_packages"]
            found.setdefault(key, dict(facts, path=path, names=[]))["names"].append(path)
    return [dict(facts, compiled=is_compiled(facts)) for facts in found.values()]


def is_compiled(facts: dict[str, Any]) -> bool:
    """Tell whether there is bytecode of an interpreter's standard library."""
    library = os.path.dirname(os.path.dirname(facts["ensurepip"]))
    return bool(glob.glob(os.path.join(glob.escape(library), "__pycache__", COMPILED)))


def started(program: list[str]) -> subprocess.Popen[bytes] | None:
    """Start a program; one that is for another machine, for example, cannot be."""
    try:
        return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def described(process: subprocess.Popen[bytes] | None) -> dict[str, Any] | None:
    """Return what an interpreter says of itself, None if it is none."""
    output = b"" if process is None else process.communicate()[0]
    try:
        facts = json.loads(output.decode())
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and "site_packages" in facts else None


def paths() -> Iterator[str]:
    """Return where interpreters may be."""
    for folder in sorted(glob.glob(HOME + "/*")):
        for name in ("python", "python3"):
            if os.access(os.path.join(folder, "bin", name), os.X_OK):
                yield os.path.join(folder, "bin", name)
                break
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for pattern in ("python3", "python3.[0-9]*", "pypy3*", "graalpy*"):
            for path in sorted(glob.glob(os.path.join(folder, pattern))):
                if os.access(path, os.X_OK) and "-config" not in path and not path.endswith(".py") and is_own(path):
                    yield path


def is_own(path: str) -> bool:
    """Tell whether a name is more than another one for what has its version in its name beside it."""
    target = os.readlink(path) if os.path.islink(path) else ""
    return not target.startswith(os.path.basename(path) + ".")


def listing() -> subprocess.Popen[bytes] | None:
    """Start what lists the interpreters that an image can install, if there is anything."""
    program = shutil.which("manylinux-interpreters")
    return None if program is None else started([program, "list", "--format", "json"])


def on_demand(listed: subprocess.Popen[bytes] | None) -> list[dict[str, str]]:
    """Return what else `manylinux-interpreters` can install."""
    if listed is None:
        return []
    try:
        wanted = ("identifier", "python_version", "implementation")
        found = json.loads(listed.communicate()[0].decode())
        return [{name: one[name] for name in wanted} for one in found if not one["installed"]]
    except (ValueError, KeyError, TypeError):
        return []


def look(describe: str, *only: str) -> dict[str, Any]:
    """Return all of it."""
    listed = None if only else listing()
    path = OWN + os.pathsep + os.environ.get("PATH", os.defpath)
    return {
        "environ": dict(os.environ),
        "machine": os.uname().machine,
        "interpreters": interpreters(describe, only or paths()),
        "on_demand": on_demand(listed),
        "tools": {name: shutil.which(name, path=path) for name in TOOLS},
    }


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        json.dump(look(*sys.argv[2:]), file)

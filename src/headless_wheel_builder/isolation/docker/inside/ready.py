"""Be a script of auditwheel that has imported all that it needs before it is told what to do: `ready.py SCRIPT CLOSED`.

Its arguments come as a line of JSON on stdin. CLOSED is a descriptor, closed when all is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys

# Those that its versions import, some of them only when they are called.
MODULES = (
    "main", "main_repair", "repair", "wheel_abi", "wheeltools", "patcher", "policy", "lddtree", "elfutils", "libc",
    "architecture", "error", "tools",
)  # fmt: skip


def prepare(script: str) -> None:
    """Import what there is of auditwheel, found as the script itself would find it."""
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    for name in MODULES:
        try:
            importlib.import_module("auditwheel." + name)
        except ImportError:
            continue  # other versions have other modules


def take(line: str, script: str) -> None:
    """Take arguments, and have nothing on stdin any more."""
    sys.argv = [script, *json.loads(line)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


if __name__ == "__main__":
    program = sys.argv[1]
    prepare(program)
    os.close(int(sys.argv[2]))
    arguments = sys.stdin.readline()
    if arguments:
        take(arguments, program)
        runpy.run_path(program, run_name="__main__")

"""The hook host: import a build backend once, then run each of its hooks in a process of its own.

A program for the interpreter of a build environment, Python 3.8 or newer; it and its parts, in the folder `inside`,
import nothing but the standard library, and of that hooks see only what pyproject-hooks' own script imports before the
backend.

    python host.py IN OUT       the descriptors of the channel; 0 and 1 in a container

Frames are JSON, each after its length in four bytes, most significant first.

    from the frontend           {"preload": [module, ...], "own": [top level, ...]}   first, once
                                {"run": argv, "cwd": path, "environ": {more}, "learn": path or null}
                                    and from one that is elsewhere: "make": [path, ...], folders, and
                                    "write": {path: text}, files to make before,
                                    "read": [path, ...], files to return, "mark": text to print at the end
                                    and "dump": true, to have it show where it is when it is ended so
                                {"end": "terminate", "dump" or "kill"}                the hook that runs
                                {"become": argv, "empty": folder, "cwd": path}        in a container, between hooks
    from the host               {"ready": true} or {"unsafe": why}                    once; nothing is sent before
    and for each hook           {"started": pid}, then {"ended": exit code, negative for a signal,
                                    "files": {path: text}, those of "read" that are there}
                                {"unsafe": why}                                       instead: nothing was run

A hook's process is forked, leads a session of its own, and becomes what `python argv` would be. Where what was
imported makes a fork differ from a fresh interpreter the host says why, and whoever asked starts one; in a container
the host begins anew, as another first frame may ask it to import nothing. It becomes one of another interpreter when
what was provisioned in its container is to be built with there. When the channel closes, the hook that runs
is killed with its process group, and the host ends.
"""

from __future__ import annotations

# What the script of pyproject-hooks imports before the backend, whether it is used here or not.
import glob  # noqa: F401
import importlib
import importlib.machinery
import json  # noqa: F401
import os
import re  # noqa: F401
import shutil  # noqa: F401
import sys
import traceback  # noqa: F401
import warnings  # noqa: F401

# What the main module of this Python starts with.
MAIN_NAMES = tuple(name for name in globals() if name.startswith("__"))
# Each after those that it needs.
PARTS = ("paths", "channel", "ending", "watch", "preloading", "orphans", "server", "program")


class Parts:
    """Have this program's parts importable, from their bytecode if there is any; afterwards they never were."""

    def __enter__(self) -> None:
        self._before = set(sys.modules)
        # The folder of this file: its modules are not for backends.
        if not getattr(sys.flags, "safe_path", False):
            del sys.path[0]
        for part in PARTS:
            name = "headless_wheel_builder.hooks.inside." + part
            path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside", part + ".py")
            sys.modules[name] = type(sys)(name)
            importlib.machinery.SourceFileLoader(name, path).exec_module(sys.modules[name])

    def __exit__(self, *_: object) -> None:
        for name in set(sys.modules) - self._before:
            del sys.modules[name]


if __name__ == "__main__":
    sys.modules.pop("__future__", None)
    with Parts():
        from headless_wheel_builder.hooks.inside.channel import take_channel
        from headless_wheel_builder.hooks.inside.ending import leave
        from headless_wheel_builder.hooks.inside.program import Main
        from headless_wheel_builder.hooks.inside.server import Host
    with Main(Host(take_channel(*map(int, sys.argv[1:]))).serve(), MAIN_NAMES) as (program, names):
        exec(program, names)
    leave()

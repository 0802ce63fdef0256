"""Interpreters of other versions, where there may be only one: they say that they are, and run what runs the tests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.archives import METADATA, make_wheel
from support import LocalProject, make_script

from headless_wheel_builder.isolation import probe
from headless_wheel_builder.isolation.target import this_platform

# What a pretender tells the programs that it runs: how wheels name it.
VARIABLE = "PRETENDED"
# Below the usual backend: wheels lie ready, one for each pretender.
BACKEND = f'def build_wheel(folder, *_):\n    return put(folder, f"pkg-1.0-{{os.environ[{VARIABLE!r}]}}.whl")\n'


def make_pretender(
    path: Path, version: Sequence[int], *, free_threaded: bool = False, implementation: str = "cpython"
) -> Path:
    """Make an interpreter that says that it has this version."""
    facts = {"version": list(version), "implementation": implementation, "free_threaded": free_threaded}
    answer = json.dumps({**probe.describe(), **facts, "executable": ""})
    name = tag_of(version, free_threaded=free_threaded)
    asked = "case \"$*\" in *'def describe'*) /bin/cat <<'EOF'\n" + answer + "\nEOF\nexit;; esac\n"
    return make_script(path, f'{asked}{VARIABLE}={name} exec {sys.executable} "$@"\n')


def tag_of(version: Sequence[int], *, free_threaded: bool = False) -> str:
    """Return the tag of the wheels that a pretender builds."""
    number = f"{version[0]}{version[1]}"
    return f"cp{number}-cp{number}{'t' if free_threaded else ''}-{this_platform()}"


def put_wheels(project: LocalProject, *tags: str) -> None:
    """Have wheels ready for a backend of pretenders."""
    for tag in tags:
        put_wheel(project.home, tag)


def put_wheel(folder: Path, tag: str) -> Path:
    """Make a wheel with a tag."""
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files = {"pkg.py": b"", "pkg-1.0.dist-info/METADATA": METADATA, "pkg-1.0.dist-info/WHEEL": wheel}
    return make_wheel(folder, files, name=f"pkg-1.0-{tag}.whl")


def pythons(*paths: Path) -> list[str]:
    """Return the arguments that name interpreters."""
    return [argument for path in paths for argument in ("--python", os.fspath(path))]

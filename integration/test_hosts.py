"""The hook host on other interpreters: the oldest and the newest that there are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [os.fspath(TESTS), os.fspath(TESTS / "hooks")]

from hosts import Ways, backend  # noqa: E402
from obstacles import UNSAFE  # noqa: E402
from scenarios import EQUAL, EXITS  # noqa: E402

NAME = re.compile(r"(python|pypy)3(\.\d+t?)?")
# Those that depend on how an interpreter starts and ends.
SOME = [name for name in EQUAL if name not in EXITS or name in {"KeyboardInterrupt", "an exception hook that fails"}]


def interpreters() -> list[str]:
    """Return the oldest and the newest of the interpreters on PATH and those of pyenv; the unit tests use this one."""
    folders = [*os.get_exec_path(), *map(os.fspath, Path.home().glob(".pyenv/versions/*/bin"))]
    names = [os.path.join(folder, name) for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
    found = {sys.version: sys.executable}
    for name in sorted(filter(os.path.isfile, names)):
        if NAME.fullmatch(os.path.basename(name)) and (asked := ask(name)):
            found.setdefault(*asked)
    by_version = sorted(found, key=lambda version: [int(part) for part in re.findall(r"\d+", version)[:3]])
    return [found[version] for version in dict.fromkeys((by_version[0], by_version[-1]))]


def ask(python: str) -> list[str]:
    """Return what version an interpreter is, and where; nothing if it is too old, or none."""
    code = "import json, sys; print(json.dumps([sys.version, sys.executable] if sys.version_info >= (3, 8) else []))"
    ran = subprocess.run([python, "-Ic", code], capture_output=True, text=True, check=False)
    return [] if ran.returncode else list(json.loads(ran.stdout))


@pytest.fixture(params=interpreters())
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> Ways:
    return Ways(tmp_path, request.param)


@pytest.mark.parametrize("name", SOME)
def test_a_hook_is_as_in_a_fresh_interpreter(ways: Ways, name: str) -> None:
    hosted, fresh = ways.both(EQUAL[name])
    assert hosted == fresh


@pytest.mark.parametrize("name", UNSAFE)
def test_a_backend_that_cannot_be_forked_gets_fresh_interpreters(ways: Ways, name: str) -> None:
    at_import, reason = UNSAFE[name]
    hosted, fresh = ways.both(backend(at_import, "print('hook'); return 'x'"), reasons=[reason])
    assert hosted == fresh

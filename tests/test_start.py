"""What a successful build imports: every user pays for it, each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LocalBackend

# Each takes longer to import than what it would be used for, or is for a path that this build does not take.
HEAVY = {
    "asyncio",
    "build",
    "concurrent.futures",
    "dataclasses",
    "difflib",
    "docker",
    "email",
    "filelock",
    "http",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "packaging",
    "requests",
    "sqlite3",
    "ssl",
    "uuid",
    "virtualenv",
    "xml",
}
# Before the host is on its way, only what is needed to start it.
LATE = {
    "headless_wheel_builder.core.artifacts",
    "inspect",
    "pyproject_hooks",
    "socket",
    "sysconfig",
    "tarfile",
    "zipfile",
}
PROGRAM = """\
import json, subprocess, sys

started = []

class Popen(subprocess.Popen):
    def __init__(self, argv, *args, **options):
        if any(str(one).endswith("host.py") for one in argv):
            started.append(sorted(sys.modules))
        super().__init__(argv, *args, **options)

subprocess.Popen = Popen
before = set(sys.modules)
from headless_wheel_builder.cli import main

exit_code = main(["-qq", *sys.argv[1:]])
print(json.dumps([exit_code, sorted(set(sys.modules) - before), [sorted(set(one) - before) for one in started]]))
"""
BACKEND_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\n'


@pytest.fixture
def imported(local_backend: LocalBackend) -> tuple[set[str], set[str]]:
    """Return what a build imported, and what of that before the hook host was started."""
    project = local_backend(pyproject=BACKEND_PROJECT)
    backend = project.home / "modules"
    backend.mkdir()
    (project.source / "backend.py").rename(backend / "backend.py")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([os.fspath(backend), *filter(None, sys.path)])}
    argv = [sys.executable, "-c", PROGRAM, "-n", os.fspath(project.source)]
    done = subprocess.run(
        argv, env=environ, capture_output=True, text=True, check=True, cwd=Path(project.source).parent
    )
    exit_code, modules, started = json.loads(done.stdout.splitlines()[-1])
    assert exit_code == 0, done.stderr
    assert len(started) == 1
    return set(modules), set(started[0])


def test_a_successful_build_imports_nothing_heavy(imported: tuple[set[str], set[str]]) -> None:
    modules, _ = imported
    assert sorted(HEAVY & modules) == []
    assert (
        sorted(name for name in modules if name.partition(".")[0] in {"build", "docker", "virtualenv", "asyncio"}) == []
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no hook host elsewhere")
def test_the_host_is_started_before_anything_that_takes_long_is_imported(imported: tuple[set[str], set[str]]) -> None:
    modules, before_host = imported
    assert sorted(LATE & before_host) == []
    assert {"pyproject_hooks", "tarfile", "zipfile"} <= modules

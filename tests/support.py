"""Small real projects, backends and fakes for the tests."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from core.archives import Member, make_sdist, make_wheel, pkg_info

from headless_wheel_builder.events import Event, Made
from headless_wheel_builder.hooks.hook_host import HookHost
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, OutputMode
from headless_wheel_builder.isolation.base import BuildEnvironment, Context, PlainSession
from headless_wheel_builder.isolation.distributions import installed_versions
from headless_wheel_builder.process import Processes

E = TypeVar("E", bound=Event)

SDIST = "pkg-1.0.tar.gz"
WHEEL = "pkg-1.0-py3-none-any.whl"
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
# Hooks note that they were called, and copy artifacts that the test made beforehand.
BACKEND = """\
import json, os, shutil, sys, time

HOME = {home!r}

def note(hook, settings):
    with open(os.path.join(HOME, "hooks.log"), "a", encoding="utf-8") as log:
        log.write(json.dumps([hook, os.getcwd(), settings]) + "\\n")

def put(folder, name):
    shutil.copy(os.path.join(HOME, name), folder)
    return name

def get_requires_for_build_sdist(config_settings=None):
    note("get_requires_for_build_sdist", config_settings)
    return []

def get_requires_for_build_wheel(config_settings=None):
    note("get_requires_for_build_wheel", config_settings)
    return []

def build_sdist(folder, config_settings=None):
    note("build_sdist", config_settings)
    return put(folder, {sdist!r})

def build_wheel(folder, config_settings=None, metadata_directory=None):
    note("build_wheel", config_settings)
    return put(folder, {wheel!r})
"""
PREPARE_METADATA = """\
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    note("prepare_metadata_for_build_wheel", config_settings)
    os.mkdir(os.path.join(folder, "pkg-1.0.dist-info"))
    with open(os.path.join(folder, "pkg-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: pkg\\nVersion: 1.0\\nSummary: prepared\\n")
    return "pkg-1.0.dist-info"
"""


@dataclass(frozen=True)
class Call:
    """One call of a hook."""

    hook: str
    cwd: str
    settings: object


@dataclass(frozen=True)
class LocalProject:
    """A source tree with an in-tree backend, and the folder where its artifacts lie ready and its calls are noted."""

    source: Path
    home: Path

    @property
    def dist(self) -> Path:
        return self.source / "dist"

    @property
    def calls(self) -> list[Call]:
        log = self.home / "hooks.log"
        return [Call(*json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def hooks(self) -> list[str]:
        return [call.hook for call in self.calls]


def make_project(folder: Path, code: str = "", *, pyproject: str = PYPROJECT) -> LocalProject:
    """Make a source tree whose backend is `BACKEND` with `code` below it."""
    source, home = folder / "source", folder / "home"
    source.mkdir(parents=True)
    home.mkdir()
    backend = BACKEND.format(home=os.fspath(home), sdist=SDIST, wheel=WHEEL) + textwrap.dedent(code)
    files = {"pyproject.toml": pyproject, "backend.py": backend}
    for name, text in files.items():
        (source / name).write_text(text)
    make_wheel(home)
    members = [Member(f"pkg-1.0/{name}", text.encode()) for name, text in files.items()]
    make_sdist(home, [Member("pkg-1.0/PKG-INFO", pkg_info()), *members])
    return LocalProject(source, home)


def hosts(processes: Processes) -> int:
    """Return how many hook hosts a cancellation would still stop."""
    return sum(isinstance(one, HookHost) for one in processes._live)  # noqa: SLF001


class Recorder:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class PlainProvisioned:
    """The interpreter that runs the tests, as a build environment."""

    site_packages: Path
    added: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    python: str = sys.executable
    env_vars: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    wants_requirements: bool = True

    processes: Processes = field(default_factory=Processes)

    def installed(self) -> Mapping[str, str]:
        return installed_versions([os.fspath(self.site_packages)])

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        self.added.append((tuple(requirements), asked_by))

    def launcher(self, backend: BackendPlace) -> Launcher:
        del backend
        return self.processes

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        del kind, folder
        return name


class FakeProvisioner:
    """Claims to isolate, installs nothing, and remembers what it was asked.

    :param site_packages: an empty folder, or one with the distributions that hooks "have"
    """

    isolated = True

    def __init__(self, site_packages: Path) -> None:
        site_packages.mkdir(exist_ok=True)
        self.environment = PlainProvisioned(site_packages)
        self.checked: list[str | None] = []
        self.log: list[tuple[object, ...]] = []

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        raise AssertionError(f"the engine has provision() for {python_version} and {build_requirements}")

    async def check_available(self) -> bool:
        raise AssertionError("the engine has check() for that")

    def check(self, python: str | None, context: Context) -> None:
        del context
        self.checked.append(python)

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[PlainSession]:
        @contextlib.contextmanager
        def provision(requirements: Sequence[str]) -> Iterator[PlainProvisioned]:
            self.log.append(("made", python, tuple(requirements)))
            try:
                yield replace(self.environment, processes=context.processes)
            except BaseException as error:
                self.log.append(("failed", type(error).__name__))
                raise
            self.log.append(("removed",))

        yield PlainSession(provision)


def make_context(
    report: Callable[[Event], None] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    processes: Processes | None = None,
    verbosity: int = 0,
    hook_output: OutputMode = "capture",
) -> Context:
    return Context(
        environ=dict(os.environ) if environ is None else environ,
        processes=processes or Processes(),
        report=report or Recorder(),
        verbosity=verbosity,
        hook_output=hook_output,
    )


def make_script(path: Path, text: str, interpreter: str = "/bin/sh") -> Path:
    """Make an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{interpreter}\n{textwrap.dedent(text)}")
    path.chmod(0o755)
    return path


def make_distribution(site_packages: Path, name: str, version: str, requires: Sequence[str] = ()) -> None:
    """Make an installed distribution without any files."""
    folder = site_packages / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    (folder / "METADATA").write_text("\n".join(lines) + "\n\nVersion: not a header\n")


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so after {seconds} seconds"
        time.sleep(0.01)


def pid_in(file: Path) -> int:
    """Wait until a process has written its id into a file, and return it."""
    wait_for(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def is_gone(pid: int) -> bool:
    """Wait a moment for a process to end."""
    with contextlib.suppress(AssertionError):
        wait_for(lambda: not is_alive(pid), seconds=2.0)
    return not is_alive(pid)

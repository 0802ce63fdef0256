"""An index whose answers change, an installer that installs from it, and projects whose backend comes from it."""

from __future__ import annotations

import hashlib
import os
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from core.archives import PLAIN, Member, make_sdist, make_wheel, pkg_info
from support import BACKEND, SDIST, WHEEL, LocalProject, make_context, make_project

from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.request import BuildRequest
from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.events import CommandOutput, Event, Kind
from headless_wheel_builder.isolation import VenvConfig, VenvIsolation
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.installers import Place
from headless_wheel_builder.isolation.interpreters import Interpreter
from headless_wheel_builder.process import Processes

PYPROJECT = '[build-system]\nrequires = {requires}\nbuild-backend = "backend"\n'
OFFLINE_HINT = "UV_OFFLINE=1"


def nothing(context: Context) -> None:
    """Do nothing before an answer."""


class Index:
    """Has one version of each distribution, and installs it without any process.

    :param versions: the newest version of each distribution, by name
    :param code: the text of the one module of a distribution, by name and version
    """

    label = "index"

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.code: dict[tuple[str, str], str] = {}
        self.urls: dict[str, str] = {}
        self.asked: list[tuple[str, ...]] = []
        self.made: list[str] = []
        self.before_answer: Callable[[Context], None] = nothing
        self.own_settings: list[str] = []

    def put(self, name: str, version: str, code: str = "") -> None:
        """Have a newer version from now on."""
        self.versions[name] = version
        self.code[name, version] = code

    def check(self, context: Context) -> None:
        """Do nothing: it is there."""

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment: all that an interpreter needs to take a folder for one."""
        del context
        python = os.path.realpath(interpreter.executable)
        os.makedirs(os.path.join(place.folder, "bin"), exist_ok=True)
        os.symlink(python, os.path.join(place.folder, "bin", "python"))
        Path(place.folder, "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\n")
        os.makedirs(interpreter.purelib.format(base=place.folder))
        self.made.append(place.folder)

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install the newest versions."""
        del python
        self._unpack(interpreter, place, self._resolved(requirements), context)

    def resolve(self, base: Base, work: str, context: Context, requirements: Sequence[str]) -> str:
        """Say which versions are the newest."""
        del base, work
        self.asked.append(tuple(requirements))
        context.report(CommandOutput(f"asking for {', '.join(requirements)}"))
        self.before_answer(context)
        context.processes.checkpoint()
        return self._resolved(requirements)

    def install_resolved(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, text: str
    ) -> None:
        """Install just these versions."""
        del python
        self._unpack(interpreter, place, text, context)

    def settings(self, environ: Mapping[str, str]) -> Sequence[str]:
        """Return what the test has set."""
        del environ
        return self.own_settings

    def _resolved(self, requirements: Sequence[str]) -> str:
        missing = [name for name in requirements if name not in {**self.versions, **self.urls}]
        if missing:
            raise DependencyError("could not be installed", cause=f"no {missing}", hint=OFFLINE_HINT)
        return "".join(self._line(name) for name in sorted(set(requirements)))

    def _line(self, name: str) -> str:
        if name in self.urls:
            return f"{name} @ {self.urls[name]}\n"
        version = self.versions[name]
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(self.code[name, version].encode()).hexdigest()}\n"

    def _unpack(self, interpreter: Interpreter, place: Place, text: str, context: Context) -> None:
        context.processes.checkpoint()
        site_packages = Path(interpreter.purelib.format(base=place.folder))
        for line in text.splitlines():
            name, _, rest = line.partition("==")
            version = rest.partition(" ")[0]
            if not version:
                name, version = name.partition(" @ ")[0], "1"
            self._put(site_packages, name, version)

    def _put(self, site_packages: Path, name: str, version: str) -> None:
        info = site_packages / f"{name}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(f"{name}.py,,\n")
        (site_packages / f"{name}.py").write_text(self.code.get((name, version), ""))


class Workshop:
    """A project whose backend comes from an index, and the builds of it."""

    def __init__(self, folder: Path, report: Callable[[Event], None]) -> None:
        self.folder = folder
        self.report = report
        self.index = Index()
        self.processes = Processes(grace=1.0)
        self.project = self.make_project("project")
        self.environ = {"PATH": os.defpath, "HOME": os.fspath(folder), "HWB_CACHE_DIR": os.fspath(folder / "cache")}

    def make_project(self, name: str, requires: str = '["backend"]') -> LocalProject:
        return make_project(self.folder / name, pyproject=PYPROJECT.format(requires=requires))

    def backend(self, version: str, code: str = "") -> Path:
        """Have a new version of the backend, whose artifacts contain its version; return where it notes its calls."""
        home = self.folder / f"home-{version}"
        home.mkdir()
        make_wheel(home, {**PLAIN, "pkg/__init__.py": f"made_by = {version!r}\n".encode()})
        sources = [path for path in self.project.source.iterdir() if path.is_file()]
        members = [Member(f"pkg-1.0/{path.name}", path.read_bytes()) for path in sources]
        make_sdist(home, [Member("pkg-1.0/PKG-INFO", pkg_info()), *members])
        text = BACKEND.format(home=os.fspath(home), sdist=SDIST, wheel=WHEEL)
        self.index.put("backend", version, text + textwrap.dedent(code))
        return home

    def isolation(self, **config: object) -> VenvIsolation:
        return FromIndex(self.index, VenvConfig(**{"cache_envs": True, **config}))

    def build(
        self, *kinds: Kind, project: LocalProject | None = None, extract_dir: Path | None = None, **config: object
    ) -> Build:
        source = (project or self.project).source
        request = BuildRequest(
            source=os.fspath(source),
            output_dir=os.fspath(source / "dist"),
            kinds=kinds,
            sdist_extract_dir=os.fspath(extract_dir) if extract_dir else None,
        )
        return Build(request, self.isolation(**config), self.context())

    def context(self, **environ: str) -> Context:
        return make_context(self.report, {**self.environ, **environ}, processes=self.processes)


class FromIndex(VenvIsolation):
    """Virtual environments that an index fills."""

    def __init__(self, index: Index, config: VenvConfig) -> None:
        self._index = index
        super().__init__(config)

    def _chosen_installer(self) -> Index:
        return self._index


class Gate:
    """Something that a resolver waits for."""

    def __init__(self, is_open: Callable[[], object]) -> None:
        self._is_open = is_open
        self.was_waited_at = threading.Event()

    def __call__(self, context: Context) -> None:
        self.was_waited_at.set()
        while not self._is_open():
            context.processes.checkpoint()
            threading.Event().wait(0.01)


def failing(context: Context) -> None:
    """Fail to answer, as without a network."""
    del context
    raise DependencyError("could not be installed", cause="no network", hint=OFFLINE_HINT)

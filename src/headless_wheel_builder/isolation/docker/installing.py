"""uv or pip in a container: resolve requirements there, make an environment, and install them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member, of_bytes, of_folder
from headless_wheel_builder.isolation.docker.beside import FOLDER, Question
from headless_wheel_builder.isolation.docker.carried import ForInstaller
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.surroundings import Interpreter
from headless_wheel_builder.isolation.docker.workshop import Supplied, Workshop
from headless_wheel_builder.isolation.installers import run_installer, run_maker
from headless_wheel_builder.isolation.pip_installer import embedded_pip, exact
from headless_wheel_builder.isolation.targets import dotted
from headless_wheel_builder.isolation.uv_installer import EXACT

PYTHON: Final = f"{programs.ENVIRONMENT}/bin/python"
# What may hold passwords is where nothing gets into images from.
RESOLVED: Final = f"{programs.SCRATCH}/resolved.txt"
REPORT: Final = f"{programs.SCRATCH}/report.json"
CACHE: Final = f"{programs.SCRATCH}/cache"
# In the environment while that is made, so that files are linked into it: to copy them takes several times as long.
LINKED: Final = f"{programs.ENVIRONMENT}/cache"
# What is asked beside hooks has its own; what uv knows of interpreters is in the image.
ASKED: Final = f"{FOLDER}/cache"
PIP: Final = f"{programs.SCRATCH}/pip.whl"


class Installer(Protocol):
    """Whatever resolves requirements in a container and makes environments of them.

    `label` is what people know it by, `told` what it is told of indexes, and `members` are files that it needs there.
    """

    label: str
    told: ForInstaller

    def members(self) -> Sequence[Member]:
        """Return files that it needs in the container."""
        ...

    def resolve(self, requirements: Sequence[str], workshop: Workshop, context: Context) -> str:
        """Return what requirements resolve to now: one exact requirement a line, with its hashes.

        :raises DependencyError: they cannot be resolved
        """
        ...

    def question(self, requirements: Sequence[str]) -> Question | None:
        """Return how `resolve` can be done beside hooks; None if it cannot, or hooks could read secrets then."""
        ...

    def install(self, text: str, workshop: Workshop, context: Context) -> None:
        """Make an environment with what `resolve` returned, where it will be in every container of the image.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        ...


def chosen(place: Place, interpreter: Interpreter) -> Installer:
    """Return uv, or pip where that is wanted or there is no uv for the image's platform."""
    uv = place.surroundings.tools["uv"]
    if place.config.use_uv and uv is not None:
        return UvInContainer(uv, place, interpreter)
    if place.config.use_uv:
        place.context.report(Noticed(f"There is no uv for {place.image.architecture} in the image: pip is used"))
    return PipInContainer(place, interpreter)


class UvInContainer:
    """uv, for both.

    :param uv: its path in the image
    """

    label = "container+uv"

    def __init__(self, uv: str, place: Place, interpreter: Interpreter) -> None:
        self._uv = uv
        self._place = place
        self.told = place.carried.uv
        self._interpreter = interpreter

    def members(self) -> Sequence[Member]:
        """Return what its settings name."""
        return self.told.files

    def resolve(self, requirements: Sequence[str], workshop: Workshop, context: Context) -> str:
        """Resolve, as the protocol says."""
        files, options = given(requirements, self._place.constraints)
        argv = (*self._compile(), "--output-file", RESOLVED, *options[1:])
        run_installer(argv, self._environ(), context, runner=Supplied(workshop, files))
        return workshop.read(RESOLVED)

    def question(self, requirements: Sequence[str]) -> Question | None:
        """Ask uv, as the protocol says."""
        if not self.told.is_public or self._place.image.platform in programs.NARROW:
            return None
        files, options = given(requirements, self._place.constraints, FOLDER)
        members = [of_bytes(path, text.encode()) for path, text in files.items()]
        environ = {**self._environ(), "TMPDIR": FOLDER, "UV_CACHE_DIR": ASKED}
        return Question((*self._compile(), *options[1:]), environ, (of_folder(FOLDER), *members))

    def install(self, text: str, workshop: Workshop, context: Context) -> None:
        """Install, as the protocol says."""
        options = ("--no-config", "--no-project", "--allow-existing", "--python", self._interpreter.path)
        run_maker((self._uv, "venv", *options, programs.ENVIRONMENT), self._environ(), context, runner=workshop)
        argv = (self._uv, "pip", "install", "--no-deps", "--compile-bytecode", "--python", PYTHON, "-r", RESOLVED)
        if text.strip():
            run_installer(argv, self._environ(), context, runner=Supplied(workshop, {RESOLVED: text}))
        # An image is made of what is there.
        workshop.ask(programs.FORGET, LINKED, ASKED)

    def _compile(self) -> tuple[str, ...]:
        return self._uv, "pip", "compile", "--python", self._interpreter.path, *EXACT

    def _environ(self) -> dict[str, str]:
        own = {"UV_CACHE_DIR": LINKED, "UV_LINK_MODE": "hardlink", "UV_PYTHON_DOWNLOADS": "never"}
        return {**settings(self._place, self.told), **own}


class PipInContainer:
    """The pip that virtualenv brings, from outside of the environment; venv makes that."""

    label = "container+pip"

    def __init__(self, place: Place, interpreter: Interpreter) -> None:
        self._place = place
        self.told = place.carried.pip
        self._interpreter = interpreter

    def members(self) -> Sequence[Member]:
        """Return pip, and what its settings name."""
        return pip_members(self._place, self._interpreter)

    def resolve(self, requirements: Sequence[str], workshop: Workshop, context: Context) -> str:
        """Resolve, as the protocol says."""
        files, options = given(requirements, self._place.constraints)
        asked = ("--dry-run", "--ignore-installed", "--report", REPORT)
        argv = [*pip_argv(self._interpreter.path), *asked, *options]
        run_installer(argv, self._environ(), context, runner=Supplied(workshop, files))
        return "".join(sorted(map(exact, json.loads(workshop.read(REPORT))["install"])))

    def question(self, requirements: Sequence[str]) -> None:
        """Return none: it would have to be copied into each container of hooks."""

    def install(self, text: str, workshop: Workshop, context: Context) -> None:
        """Install, as the protocol says."""
        venv = (self._interpreter.path, "-I", "-m", "venv", "--without-pip", programs.ENVIRONMENT)
        run_maker(venv, self._environ(), context, runner=workshop)
        argv = (*pip_argv(PYTHON), "--no-deps", "-r", RESOLVED)
        if text.strip():
            run_installer(argv, self._environ(), context, runner=Supplied(workshop, {RESOLVED: text}))

    def _environ(self) -> dict[str, str]:
        return {**settings(self._place, self.told), "PIP_CACHE_DIR": CACHE, "PIP_ROOT_USER_ACTION": "ignore"}


def given(
    requirements: Sequence[str], constraints: str | None, folder: str = programs.SCRATCH
) -> tuple[dict[str, str], list[str]]:
    """Return the files that an installer gets in a folder, and the options that name them."""
    files = {f"{folder}/requirements.txt": "".join(f"{one}\n" for one in requirements)}
    options = ["-r", f"{folder}/requirements.txt"]
    if constraints is None:
        return files, options
    path = f"{folder}/constraints.txt"
    return {**files, path: constraints}, [*options, "-c", path]


def settings(place: Place, told: ForInstaller) -> Mapping[str, str]:
    """Return the variables for what is to find distributions."""
    return {**place.carried.network, **told.variables, "TMPDIR": programs.SCRATCH}


def pip_members(place: Place, interpreter: Interpreter) -> Sequence[Member]:
    """Return pip as a file in a container, and what its settings name.

    :raises IsolationError: there is none for the interpreter
    """
    version = dotted(interpreter.version[:2])
    path = embedded_pip(version)
    if path is None:
        raise IsolationError(f"There is no pip for Python {version}", hint="Name another interpreter with --python.")
    with open(path, "rb") as file:
        return of_bytes(PIP, file.read()), *place.carried.pip.files


def pip_argv(python: str) -> list[str]:
    """Return how that pip is called to install something for an interpreter of the container."""
    return [python, "-I", f"{PIP}/pip", "install", "--no-input", "--disable-pip-version-check", "--use-pep517"]

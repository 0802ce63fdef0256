"""uv: make an environment, resolve requirements, and install them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.installers import (
    PYTHON_PLACES,
    Place,
    requirement_files,
    run_installer,
    run_maker,
    settings,
    uv_files,
    with_keyring,
    with_temporary,
    without,
    write,
)
from headless_wheel_builder.isolation.uv import Uv, find_uv
from headless_wheel_builder.isolation.uv_cache import UvCache
from headless_wheel_builder.shortage import said

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.interpreters import Interpreter

# What sends an installation elsewhere.
UV_PLACES: Final = ("UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "UV_VENV_SEED", "UV_BREAK_SYSTEM_PACKAGES")
# What makes an environment another one although it has the same distributions: how they were built, how they got in.
UV_SETTINGS: Final = (
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD_ISOLATION",
    "UV_BUILD_CONSTRAINT",
    "UV_LINK_MODE",
    "UV_COMPILE_BYTECODE",
    "UV_NO_SOURCES",
    "UV_NO_SOURCES_PACKAGE",
    "UV_NO_CONFIG",
)
# Nothing but the requirements, each with the hashes of all its files.
EXACT: Final = ("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")

# uv has no third level of verbosity.
UV_MOST_VERBOSE: Final = 2


class UvInstaller:
    """uv, for both.

    :param constraints: hold for all that is installed
    """

    label = "venv+uv"

    def __init__(self, constraints: Constraints | None = None) -> None:
        self._constraints = constraints
        self._cache = UvCache()

    def check(self, context: Context) -> None:
        """Raise `IsolationError` if there is no uv."""
        self._find(context)

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment at `place`, or raise `IsolationError`."""
        uv = self._find(context)
        if uv.is_external:
            context.report(Noticed(f"Using external uv from {uv.path}"))
        argv = (uv.path, "venv", "--no-config", "--python", interpreter.executable, place.folder)
        self._cache.run(run_maker, argv, {**_environ(place.work, context), "VIRTUAL_ENV": place.folder}, context)

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install requirements for the environment's `python`, or raise `DependencyError`."""
        del interpreter
        argv = self._pip(context, "install", "--python", python)
        argv += [*_project(place.work), *requirement_files(place.work, requirements, self._constraints)]
        environ = {**_environ(place.work, context), "VIRTUAL_ENV": place.folder}
        self._cache.run(run_installer, argv, environ, context)

    def resolve(self, base: Base, work: str, context: Context, requirements: Sequence[str]) -> str:
        """Return what `install` would install, one exact requirement a line with its hashes, in a fixed order.

        :raises DependencyError: the requirements cannot be installed
        """
        resolved = os.path.join(work, "resolved.txt")
        argv = self._pip(context, "compile", "--python", base.executable, "--output-file", resolved, *EXACT)
        requirements_file = requirement_files(work, requirements, self._constraints)
        argv += [*_project(work), *requirements_file[1:]]
        self._cache.run(run_installer, argv, _environ(work, context), context)
        with open(resolved, encoding="utf-8") as file:
            return file.read()

    def install_resolved(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, text: str
    ) -> None:
        """Install exactly what `resolve` returned, or raise `DependencyError`."""
        del interpreter
        argv = self._pip(context, "install", "--python", python, "--no-deps")
        argv += [*_project(place.work), *requirement_files(place.work, text.splitlines(), None)]
        environ = {**_environ(place.work, context), "VIRTUAL_ENV": place.folder}
        try:
            # The index said a moment ago what is right: if all of it is in uv's cache, there is nothing more to ask.
            self._cache.run(run_installer, [*argv, "--offline"], environ, context)
        except DependencyError as error:
            if said(error.cause) is not None:
                raise  # uv would take for complete what it has begun
            self._cache.run(run_installer, argv, environ, context)

    def settings(self, environ: Mapping[str, str]) -> Sequence[str]:
        """Return the settings that decide what an environment with given distributions looks like."""
        return settings(environ, UV_SETTINGS, uv_files(environ))

    def _pip(self, context: Context, command: str, *options: str) -> list[str]:
        verbose = [f"-{'v' * min(UV_MOST_VERBOSE, context.verbosity - 1)}"] if context.verbosity > 1 else []
        return [self._find(context).path, "pip", *verbose, command, *options]

    def _find(self, context: Context) -> Uv:
        uv = find_uv(context.environ)
        if uv is None:
            raise IsolationError(
                "uv executable not found",
                cause="It comes with this package, but it was removed.",
                hint="Install it (pip install uv), or pass --installer pip.",
            )
        return uv


def _project(work: str) -> list[str]:
    project = os.path.join(work, "project")
    os.makedirs(project, exist_ok=True)
    # An empty uv.toml ends uv's search for [tool.uv] in the current folder and above.
    write(os.path.join(project, "uv.toml"), "")
    return ["--project", project]


def _environ(work: str, context: Context) -> dict[str, str]:
    environ = without(context.environ, (*UV_PLACES, *PYTHON_PLACES))
    return with_keyring(with_temporary(environ, work), "UV_KEYRING_PROVIDER")

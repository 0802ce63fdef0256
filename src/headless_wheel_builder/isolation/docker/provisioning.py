"""Make a build environment in a container, and keep it as an image."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.distributions import import_names, installed_versions
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.surroundings import Interpreter
from headless_wheel_builder.isolation.docker.workshop import Supplied, Workshop
from headless_wheel_builder.isolation.installers import run_installer, run_maker
from headless_wheel_builder.isolation.uv_installer import EXACT
from headless_wheel_builder.values import value

ENVIRONMENT: Final = f"{programs.HOME}/env"
PYTHON: Final = f"{ENVIRONMENT}/bin/python"
REQUIREMENTS: Final = f"{programs.HOME}/requirements.txt"
RESOLVED: Final = f"{programs.HOME}/resolved.txt"
# A file system in memory: nothing of it gets into images.
CACHE: Final = "/dev/shm/hwb-cache"  # noqa: S108 - in the container
# Package managers and installers give files to their owners.
CAPABILITIES: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")


@value
class Contents:
    """What an environment has.

    :param site_packages: where
    :param described: the headers and records of its distributions, by the names of their folders
    """

    site_packages: str
    described: Mapping[str, Mapping[str, str]]

    def installed(self) -> dict[str, str]:
        """Return the version of each distribution, by canonical name."""
        with tempfile.TemporaryDirectory(prefix="hwb-") as folder:
            self._write(folder)
            return installed_versions([folder])

    def own(self, module: str) -> list[str]:
        """Return the top-level modules of the distribution that has a module, and of what that requires."""
        with tempfile.TemporaryDirectory(prefix="hwb-") as folder:
            self._write(folder)
            return import_names([folder], module)

    def _write(self, folder: str) -> None:
        for name, files in self.described.items():
            place = os.path.join(folder, os.path.basename(name))
            os.mkdir(place)
            for file, text in files.items():
                with open(os.path.join(place, os.path.basename(file)), "w", encoding="utf-8") as written:
                    written.write(text)


def resolve(
    workshop: Workshop, interpreter: Interpreter, place: Place, requirements: Sequence[str], context: Context
) -> str:
    """Return what requirements resolve to now in a container: one exact requirement a line, with its hashes.

    :raises DependencyError: they cannot be resolved
    """
    lines = "".join(f"{one}\n" for one in requirements)
    argv = [_uv(place), "pip", "compile", "--python", interpreter.path, "--output-file", RESOLVED, *EXACT, REQUIREMENTS]
    run_installer(argv, _environ(place), context, runner=Supplied(workshop, {REQUIREMENTS: lines}))
    return workshop.read(RESOLVED)


def install(workshop: Workshop, interpreter: Interpreter, place: Place, text: str, context: Context) -> Contents:
    """Make an environment with what `resolve` returned, where it will be in every container of the image.

    :raises IsolationError: it cannot be made
    :raises DependencyError: the requirements cannot be installed
    """
    uv, environ = _uv(place), _environ(place)
    venv = (uv, "venv", "--no-config", "--no-project", "--python", interpreter.path, ENVIRONMENT)
    run_maker(venv, environ, context, runner=workshop)
    argv = (uv, "pip", "install", "--no-deps", "--compile-bytecode", "--python", PYTHON, "-r", RESOLVED)
    if text.strip():
        run_installer(argv, environ, context, runner=Supplied(workshop, {RESOLVED: text}))
    site_packages = interpreter.site_packages.format(base=ENVIRONMENT)
    return Contents(site_packages, workshop.ask(programs.INSTALLED, site_packages))


def _environ(place: Place) -> dict[str, str]:
    # Nothing that was downloaded is to be in the image; the container goes, and its cache with it.
    return {**place.carried.network, **place.carried.installer, "UV_CACHE_DIR": CACHE, "UV_LINK_MODE": "copy"}


def _uv(place: Place) -> str:
    uv = place.surroundings.tools["uv"]
    if uv is None:
        raise IsolationError("There is no uv in the image", hint="Name another image with --image.")
    return uv

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
from headless_wheel_builder.isolation.docker.carried import Carried
from headless_wheel_builder.isolation.docker.surroundings import Interpreter
from headless_wheel_builder.isolation.docker.workshop import Workshop
from headless_wheel_builder.isolation.installers import run_installer, run_maker
from headless_wheel_builder.values import value

ENVIRONMENT: Final = f"{programs.HOME}/env"
PYTHON: Final = f"{ENVIRONMENT}/bin/python"
REQUIREMENTS: Final = f"{programs.HOME}/requirements.txt"
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


def provision(
    workshop: Workshop,
    interpreter: Interpreter,
    uv: str | None,
    requirements: Sequence[str],
    carried: Carried,
    context: Context,
) -> Contents:
    """Make an environment with requirements where it will be in every container of the image.

    :param uv: where uv is in the container
    :raises IsolationError: it cannot be made
    :raises DependencyError: the requirements cannot be installed
    """
    if uv is None:
        raise IsolationError("There is no uv in the image", hint="Name another image with --image.")
    environ = {**carried.network, **carried.installer, "UV_NO_CACHE": "1", "UV_LINK_MODE": "copy"}
    venv = (uv, "venv", "--no-config", "--no-project", "--python", interpreter.path, ENVIRONMENT)
    run_maker(venv, environ, context, runner=workshop)
    if requirements:
        text = "".join(f"{one}\n" for one in requirements)
        workshop.run(("/bin/true",), env={}, files={REQUIREMENTS: text})
        argv = (uv, "pip", "install", "--compile-bytecode", "--python", PYTHON, "-r", REQUIREMENTS)
        run_installer(argv, environ, context, runner=workshop)
    site_packages = interpreter.site_packages.format(base=ENVIRONMENT)
    return Contents(site_packages, workshop.ask(programs.INSTALLED, site_packages))

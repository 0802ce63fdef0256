"""What a build environment in an image has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

from headless_wheel_builder.isolation.distributions import import_names, installed_versions
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.surroundings import Interpreter
from headless_wheel_builder.isolation.docker.workshop import Workshop
from headless_wheel_builder.values import value


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


def contents(workshop: Workshop, interpreter: Interpreter) -> Contents:
    """Look at the environment that was just made in a container."""
    site_packages = interpreter.site_packages.format(base=programs.ENVIRONMENT)
    return Contents(site_packages, workshop.ask(programs.INSTALLED, site_packages))

"""Environments for one build only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.distributions import installed_versions
from headless_wheel_builder.isolation.environment import Layout, VirtualEnvironment
from headless_wheel_builder.isolation.installers import Installer, Place
from headless_wheel_builder.isolation.interpreters import Base
from headless_wheel_builder.isolation.manifest import describe
from headless_wheel_builder.removal import remove_tree


class FreshEnvironments:
    """Makes environments that go with the build.

    :param work: a folder for all that is temporary; whoever made it removes it
    :param env_dir: the folder that the user wants environments in, one at a time
    """

    def __init__(self, installer: Installer, base: Base, context: Context, work: str, env_dir: str | None) -> None:
        self._installer = installer
        self._base = base
        self._context = context
        self._work = work
        self._env_dir = env_dir
        self._last: VirtualEnvironment | None = None

    def make(self, requirements: Sequence[str]) -> VirtualEnvironment:
        """Make an environment with requirements.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        place = self._place()
        self._installer.create(self._base.describe(), place, self._context)
        return self._installed(place, requirements, requirements)

    def make_resolved(self, text: str) -> VirtualEnvironment:
        """Make an environment with exactly what requirements were resolved to."""
        place = self._place()
        fill(place, text, self._installer, self._base, self._context)
        return self._environment(place)

    def extend(
        self, environment: VirtualEnvironment, requirements: Sequence[str], more: Sequence[str]
    ) -> VirtualEnvironment:
        """Install more into an environment, resolved together with its requirements, and return it as it is then."""
        environment.close()
        return self._installed(Place(folder=environment.folder, work=self._work), requirements, more)

    def memory(self, environment: VirtualEnvironment, backend: BackendPlace) -> None:
        """Know nothing about the modules that hooks need: nobody would remember."""

    def confirm(self) -> None:
        """Do nothing: what was installed is what the requirements resolved to."""

    def close(self, *, failed: bool) -> None:
        """End what runs in the last environment; one in a folder of the user's is kept when the build failed."""
        if self._last is not None:
            self._last.close()
        if self._env_dir is not None and self._last is not None and not failed:
            remove_tree(self._last.folder, self._context.report)

    def _installed(self, place: Place, requirements: Sequence[str], more: Sequence[str]) -> VirtualEnvironment:
        interpreter = self._base.describe()
        if more:
            python = layout(self._base).python(place.folder)
            self._installer.install(interpreter, python, place, self._context, sorted(set(requirements)))
            check_installed(layout(self._base), place.folder, requirements)
        return self._environment(place)

    def _environment(self, place: Place) -> VirtualEnvironment:
        manifest = describe(place.folder)
        self._last = VirtualEnvironment(
            place.folder,
            layout(self._base),
            installed=installed_versions(layout(self._base).packages(place.folder)),
            launchers=Launchers(self._context.processes, self._context.report, self._context.hook_output),
            difference=lambda: manifest.difference(place.folder),
        )
        return self._last

    def _place(self) -> Place:
        if self._env_dir is None:
            return Place(folder=os.path.join(tempfile.mkdtemp(dir=self._work), "env"), work=self._work)
        if self._last is not None:
            self._last.close()
            remove_tree(self._last.folder, self._context.report)
        os.makedirs(self._env_dir, exist_ok=True)
        return Place(folder=os.path.realpath(self._env_dir), work=self._work)


def layout(base: Base) -> Layout:
    """Return where environments that are made from an interpreter have things."""
    interpreter = base.describe()
    return Layout(scripts=interpreter.scripts, purelib=interpreter.purelib, platlib=interpreter.platlib)


def fill(place: Place, text: str, installer: Installer, base: Base, context: Context) -> None:
    """Make an environment with exactly what requirements were resolved to.

    :raises IsolationError: it cannot be made
    :raises DependencyError: something cannot be installed
    """
    interpreter = base.describe()
    installer.create(interpreter, place, context)
    if text.strip():
        installer.install_resolved(interpreter, layout(base).python(place.folder), place, context, text)


def check_installed(where: Layout, folder: str, requirements: Sequence[str]) -> None:
    """Check that an installer that says so has installed requirements in an environment, not elsewhere.

    :raises DependencyError: it has not
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    installed = installed_versions(where.packages(folder))
    parsed = map(Requirement, requirements)
    # Whether a marker applies only the environment's own interpreter knows.
    missing = [one.name for one in parsed if one.marker is None and canonicalize_name(one.name) not in installed]
    if missing:
        raise DependencyError(
            f"The installer said that it installed {', '.join(missing)}, but {where.packages(folder)[0]} does not have it",
            cause="A setting of the installer sends packages elsewhere (`target`, `prefix` or `root` in pip.conf).",
            hint="Look at `pip config list`, and remove that setting.",
        )

"""Environments for one build only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.hooks.headstart import HeadStart
from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.distributions import installed_versions, required_names
from headless_wheel_builder.isolation.environment import Layout, VirtualEnvironment
from headless_wheel_builder.isolation.installers import Installer, Place
from headless_wheel_builder.isolation.manifest import describe
from headless_wheel_builder.removal import remove_tree
from headless_wheel_builder.values import field, named_value


@named_value
class Means:
    """What environments are made with.

    :param work: a folder for all that is temporary; whoever made it removes it
    :param network: whether hooks have one
    :param patience: how long hooks may take
    """

    installer: Installer
    base: Base
    context: Context
    work: str
    network: bool = True
    patience: Patience = field(default_factory=Patience)

    @property
    def layout(self) -> Layout:
        """Where environments have things."""
        interpreter = self.base.describe()
        return Layout(scripts=interpreter.scripts, purelib=interpreter.purelib, platlib=interpreter.platlib)

    def folder(self) -> str:
        """Return a new temporary folder."""
        return tempfile.mkdtemp(dir=self.work)

    def fill(self, folder: str, text: str) -> None:
        """Make an environment with exactly what requirements were resolved to.

        :raises IsolationError: it cannot be made
        :raises DependencyError: something cannot be installed
        """
        interpreter, place = self.base.describe(), Place(folder=folder, work=self.folder())
        self.installer.create(interpreter, place, self.context)
        if text.strip():
            self.installer.install_resolved(interpreter, self.layout.python(folder), place, self.context, text)

    def launchers(self, ahead: HeadStart | None = None) -> Launchers:
        """Return what runs the hooks in an environment.

        :param ahead: a hook host that runs already, which may be one of its
        """
        context = self.context
        return Launchers(
            context.processes, context.report, context.hook_output, ahead, self.patience, network=self.network
        )


class FreshEnvironments:
    """Makes environments that go with the build.

    :param env_dir: the folder that the user wants environments in, one at a time
    """

    def __init__(self, means: Means, env_dir: str | None) -> None:
        self._means = means
        # As it is now: what a link leads to is removed, but not the link.
        self._env_dir = None if env_dir is None else os.path.realpath(env_dir)
        self._made: list[VirtualEnvironment] = []

    def make(self, requirements: Sequence[str]) -> VirtualEnvironment:
        """Make an environment with requirements.

        :raises IsolationError: it cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        place = Place(folder=self._folder(), work=self._means.folder())
        self._means.installer.create(self._means.base.describe(), place, self._means.context)
        return self._installed(place, requirements, requirements)

    def make_resolved(self, text: str) -> VirtualEnvironment:
        """Make an environment with exactly what requirements were resolved to."""
        folder = self._folder()
        self._means.fill(folder, text)
        return self._environment(folder)

    def extend(
        self, environment: VirtualEnvironment, requirements: Sequence[str], more: Sequence[str]
    ) -> VirtualEnvironment:
        """Return an environment with more, resolved together with its requirements: the same, unless hooks changed it.

        Where hooks have no network it is always another one. An installer, which has one, runs the interpreter of what
        it fills, and that runs what a hook left there, seen or unseen.
        """
        is_intact = self._means.network and environment.is_intact()
        environment.close()
        if not is_intact:
            return self.make(requirements)
        return self._installed(Place(folder=environment.folder, work=self._means.folder()), requirements, more)

    def memory(self, environment: VirtualEnvironment, backend: BackendPlace) -> None:
        """Know nothing about the modules that hooks need: nobody would remember."""

    def ask(self) -> None:
        """Ask nothing: the installer did."""

    def confirm(self) -> None:
        """Do nothing: what was installed is what the requirements resolved to."""

    def close(self, *, failed: bool) -> None:
        """End what runs in them; one in a folder of the user's is kept when the build failed."""
        for environment in self._made:
            environment.close()
        if self._env_dir is not None and self._made and not failed:
            remove_tree(self._env_dir, self._means.context.report)

    def _installed(self, place: Place, requirements: Sequence[str], more: Sequence[str]) -> VirtualEnvironment:
        means = self._means
        if more:
            python = means.layout.python(place.folder)
            wanted = sorted(set(requirements))
            means.installer.install(means.base.describe(), python, place, means.context, wanted)
            check_installed(means.layout, place.folder, requirements)
        return self._environment(place.folder)

    def _environment(self, folder: str) -> VirtualEnvironment:
        manifest = describe(folder)
        environment = VirtualEnvironment(
            folder,
            self._means.layout,
            installed=installed_versions(self._means.layout.packages(folder)),
            launchers=self._means.launchers(),
            difference=lambda: manifest.difference(folder),
        )
        self._made.append(environment)
        return environment

    def _folder(self) -> str:
        if self._env_dir is None:
            return os.path.join(self._means.folder(), "env")
        for environment in self._made:
            environment.close()
        if self._made:
            remove_tree(self._env_dir, self._means.context.report)
        os.makedirs(self._env_dir, exist_ok=True)
        return self._env_dir


def check_installed(where: Layout, folder: str, requirements: Sequence[str]) -> None:
    """Check that an installer that says so has installed requirements in an environment, not elsewhere.

    :raises DependencyError: it has not
    """
    # Whether a marker applies only the environment's own interpreter knows.
    wanted = required_names(one for one in requirements if ";" not in one)
    if missing := sorted(wanted - installed_versions(where.packages(folder)).keys()):
        place = where.packages(folder)[0]
        raise DependencyError(
            f"The installer said that it installed {', '.join(missing)}, but {place} does not have it",
            cause="A setting of the installer sends packages elsewhere (`target`, `prefix` or `root` in pip.conf).",
            hint="Look at `pip config list`, and remove that setting.",
        )

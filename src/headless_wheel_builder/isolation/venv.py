"""Isolation by virtual environments."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import EnvironmentCreating, RequirementsInstalling
from headless_wheel_builder.isolation.base import BuildEnvironment, Context, contradiction
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.distributions import installed_versions
from headless_wheel_builder.isolation.installers import Installer, PipInstaller, Place, UvInstaller
from headless_wheel_builder.isolation.interpreters import Interpreter, find_interpreter
from headless_wheel_builder.removal import remove_tree
from headless_wheel_builder.requirements import find_invalid


@dataclass(frozen=True)
class VenvConfig:
    """How virtual environments are made.

    :param use_uv: let uv make and fill them; else virtualenv and pip
    :param python_path: the interpreter they are made from, before any other that discovery would find
    :param cache_envs: keep them between builds
    :param extra_env: variables that hooks get on top of the caller's
    :param constraints: a constraints file for the build requirements
    :param env_dir: make the environment here, and keep it when the build fails
    """

    use_uv: bool = True
    python_path: Path | None = None
    cache_envs: bool = False
    extra_env: dict[str, str] | None = None
    constraints: Path | None = None
    env_dir: str | None = None


class VenvIsolation:
    """The strategy that makes a virtual environment for each build, and removes it afterwards."""

    isolated = True

    def __init__(self, config: VenvConfig | None = None) -> None:
        self.config = config or VenvConfig()
        constraints = self.config.constraints
        self._constraints = None if constraints is None else Constraints(os.fspath(constraints))
        self._installer: Installer = (UvInstaller if self.config.use_uv else PipInstaller)(self._constraints)

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        """Make a virtual environment with the requirements; whoever asks for it has to clean it up.

        :param python_version: as `--python` takes it: `3.12`, `3.13t`, `pypy3.10`, a path
        :param build_requirements: PEP 508 requirements
        :raises IsolationError: the environment cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        from headless_wheel_builder.threads import run_blocking

        context = Context(environ=dict(os.environ))
        return await run_blocking(
            lambda processes: self._hold(python_version, build_requirements, replace(context, processes=processes))
        )

    async def check_available(self) -> bool:
        """Tell whether virtual environments can be made here: always, on the Pythons that this package runs on."""
        return True

    def check(self, python: str | None, context: Context) -> None:
        """Check the interpreter, the installer, the constraints file and the environment's folder.

        :raises HeadlessWheelBuilderError: one of them cannot be used
        """
        if self.config.cache_envs:
            raise IsolationError(
                "Environments cannot be kept between builds yet (cache_envs=True)",
                hint="Leave cache_envs out: environments are then made for each build.",
            )
        self._installer.check(context)
        if self._constraints is not None:
            self._constraints.check()
        if self.config.env_dir is not None:
            _check_env_dir(self.config.env_dir)
        self._interpreter(python, context)

    @contextlib.contextmanager
    def provision(self, python: str | None, requirements: Sequence[str], context: Context) -> Iterator[VenvEnvironment]:
        """Make an environment for the length of a `with` block.

        :raises IsolationError: the environment cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        with contextlib.ExitStack() as stack:
            yield self._provision(stack, python, requirements, context)

    def _hold(self, python: str, requirements: Sequence[str], context: Context) -> BuildEnvironment:
        self.check(python, context)
        _check_requirements(requirements)
        with contextlib.ExitStack() as on_failure:
            environment = self._provision(on_failure, python, requirements, context)
            release = on_failure.pop_all().close
        return BuildEnvironment(
            environment.python_path, environment.site_packages, environment.env_vars, release=release
        )

    def _provision(
        self, stack: contextlib.ExitStack, python: str | None, requirements: Sequence[str], context: Context
    ) -> VenvEnvironment:
        interpreter = self._interpreter(python, context)
        context.report(EnvironmentCreating(self._installer.label))
        place = stack.enter_context(_place(self.config.env_dir, context))
        self._installer.create(interpreter, place, context)
        environment = VenvEnvironment(
            self._installer, interpreter, place, context, extra_env=self.config.extra_env or {}
        )
        environment.install(requirements)
        return environment

    def _interpreter(self, python: str | None, context: Context) -> Interpreter:
        return find_interpreter(python, context, configured=self.config.python_path, use_uv=self.config.use_uv)


class VenvEnvironment:
    """A virtual environment that requirements can be added to."""

    wants_requirements = True

    def __init__(
        self,
        installer: Installer,
        interpreter: Interpreter,
        place: Place,
        context: Context,
        *,
        extra_env: Mapping[str, str],
    ) -> None:
        self._installer = installer
        self._interpreter = interpreter
        self._place = place
        self._context = context
        self._requirements: tuple[str, ...] = ()
        scripts = interpreter.scripts.format(base=place.folder)
        self.python_path = Path(scripts, "python.exe" if os.name == "nt" else "python")
        self.site_packages = Path(interpreter.purelib.format(base=place.folder))
        self.env_vars = hook_environ(context.environ, scripts=scripts, folder=place.folder, extra=extra_env)

    def install(self, requirements: Sequence[str]) -> None:
        """Install the requirements of `[build-system]`.

        :raises DependencyError: they cannot be installed
        """
        self._install(tuple(requirements), new=requirements)

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Install what a hook asked for, resolved together with what is there.

        :raises DependencyError: the requirements cannot be installed, or contradict those that are there
        """
        try:
            self._install((*self._requirements, *requirements), new=requirements)
        except DependencyError as error:
            raise contradiction(asked_by, there=self._requirements, asked=requirements, reason=error.cause) from error

    def _install(self, requirements: tuple[str, ...], *, new: Sequence[str]) -> None:
        if not new:
            return
        self._context.report(RequirementsInstalling(tuple(sorted(set(new)))))
        self._installer.install(
            self._interpreter, str(self.python_path), self._place, self._context, sorted(set(requirements))
        )
        folders = {
            part.format(base=self._place.folder) for part in (self._interpreter.purelib, self._interpreter.platlib)
        }
        _check_installed(sorted(folders), requirements)
        self._requirements = requirements


def hook_environ(environ: Mapping[str, str], *, scripts: str, folder: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of hooks: the caller's, with nothing in it that leads out of the virtual environment.

    :param scripts: the folder with the environment's programs, first on PATH
    :param folder: the environment's folder
    :param extra: variables that win over all others
    """
    path = environ.get("PATH")
    isolated = {
        "PATH": scripts if path is None else os.pathsep.join([scripts, path]),
        "VIRTUAL_ENV": folder,
        "PYTHONPATH": "",
        "PYTHONNOUSERSITE": "1",
    }
    kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
    return {**kept, **isolated, **extra}


@contextlib.contextmanager
def _place(env_dir: str | None, context: Context) -> Iterator[Place]:
    context.processes.checkpoint()
    work = os.path.realpath(tempfile.mkdtemp(prefix="hwb-env-"))
    try:
        if env_dir is None:
            yield Place(folder=os.path.join(work, "env"), work=work)
        else:
            os.makedirs(env_dir, exist_ok=True)
            folder = os.path.realpath(env_dir)
            yield Place(folder=folder, work=work)
            # Only on success: the user wants to look into the environment of a failed build.
            remove_tree(folder, context.report)
    finally:
        remove_tree(work, context.report)


def _check_env_dir(path: str) -> None:
    if not path:
        raise IsolationError("Build environment location has no name", hint="Name a folder that is empty or new.")
    if os.path.exists(path) and not os.path.isdir(path):
        raise IsolationError(
            f"Build environment location is not a directory: {path}", hint="Name a folder that is empty or new."
        )
    if os.path.isdir(path) and os.listdir(path):
        raise IsolationError(
            f"Build environment location is not empty: {path}",
            cause="A failed build keeps its environment there.",
            hint="Empty it yourself, or name another folder.",
        )


def _check_requirements(requirements: Sequence[str]) -> None:
    if invalid := find_invalid(requirements):
        requirement, reason = invalid
        raise DependencyError(
            f"{requirement!r} is not a requirement (PEP 508)",
            cause=reason,
            hint='Write a name and versions, for example: "setuptools >= 61"',
        )


def _check_installed(folders: Sequence[str], requirements: Sequence[str]) -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    installed = {name for folder in folders for name in installed_versions(folder)}
    parsed = map(Requirement, requirements)
    # Whether a marker applies only the environment's own interpreter knows.
    missing = [one.name for one in parsed if one.marker is None and canonicalize_name(one.name) not in installed]
    if missing:
        raise DependencyError(
            f"The installer said that it installed {', '.join(missing)}, but {folders[0]} does not have it",
            cause="A setting of the installer sends packages elsewhere (`target`, `prefix` or `root` in pip.conf).",
            hint="Look at `pip config list`, and remove that setting.",
        )

"""Isolation by virtual environments."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.allowed import for_hooks, for_installers
from headless_wheel_builder.isolation.base import BuildEnvironment, Context, OutdatedError
from headless_wheel_builder.isolation.bases import find_base
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.fresh import FreshEnvironments, Means
from headless_wheel_builder.isolation.installers import Installer
from headless_wheel_builder.isolation.session import VenvSession
from headless_wheel_builder.requirements import check_requirements
from headless_wheel_builder.temporary import temporary_folder
from headless_wheel_builder.values import changed, value

if TYPE_CHECKING:
    from pathlib import Path

    from headless_wheel_builder.isolation.capacity import Capacity
    from headless_wheel_builder.isolation.kept import KeptEnvironments
    from headless_wheel_builder.isolation.target import Missing, Target


@value
class VenvConfig:
    """How virtual environments are made.

    :param use_uv: let uv make and fill them; else virtualenv and pip
    :param python_path: the interpreter they are made from, before any other that discovery would find
    :param cache_envs: keep them between builds
    :param extra_env: variables that hooks get on top of the caller's
    :param constraints: a constraints file for the build requirements
    :param env_dir: make the environment here, and keep it when the build fails
    :param network: whether hooks have one; requirements are always installed with one
    :param hook_timeout: seconds that one hook may take; None for as long as it wants
    :param hook_silence: seconds in which a hook may print nothing; then it shows where it is, and is ended
    :param clean_env: give hooks no variables of the caller's but those that builds are told things by
    """

    use_uv: bool = True
    python_path: Path | None = None
    cache_envs: bool = False
    extra_env: dict[str, str] | None = None
    constraints: Path | str | None = None
    env_dir: str | None = None
    network: bool = True
    hook_timeout: float | None = None
    hook_silence: float | None = None
    clean_env: bool = False


class VenvIsolation:
    """The strategy that makes a virtual environment for each build, and removes it afterwards."""

    isolated = True

    def __init__(self, config: VenvConfig | None = None) -> None:
        self.config = config or VenvConfig()
        constraints = self.config.constraints
        self._constraints = None if constraints is None else Constraints(os.fspath(constraints))
        self._installer = self._chosen_installer()
        self._patience = Patience(timeout=self.config.hook_timeout, silence=self.config.hook_silence)

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
            lambda processes: self._hold(python_version, build_requirements, changed(context, processes=processes))
        )

    async def check_available(self) -> bool:
        """Tell whether virtual environments can be made here: always, on the Pythons that this package runs on."""
        return True

    def check(self, python: str | None, context: Context) -> None:
        """Check the interpreter, the installer, the constraints file, the environment's folder and the network.

        :raises HeadlessWheelBuilderError: one of them cannot be used
        """
        self._patience.check()
        self._installer.check(context)
        if self._constraints is not None:
            self._constraints.check()
        if self.config.env_dir is not None:
            _check_env_dir(self.config.env_dir)
        if not self.config.network:
            from headless_wheel_builder.isolation.network import check_no_network

            check_no_network(context)
        find_base(python, context, configured=self.config.python_path, use_uv=self.config.use_uv)

    @property
    def architecture(self) -> str:
        """The architecture of this machine, as wheels name it."""
        import platform

        return platform.machine()

    def capacity(self, context: Context) -> Capacity:
        """Return what this machine can do at once."""
        del context
        from headless_wheel_builder.isolation.capacity import this_machine

        return this_machine()

    def targets(self, wanted: Sequence[str], context: Context) -> list[Target | Missing]:
        """Return the targets of this machine that are meant, as `discovery.find_targets` does."""
        from headless_wheel_builder.isolation.discovery import find_targets

        return find_targets(wanted, context, configured=self.config.python_path, use_uv=self.config.use_uv)

    def _chosen_installer(self) -> Installer:
        if self.config.use_uv:
            from headless_wheel_builder.isolation.uv_installer import UvInstaller

            return UvInstaller(self._constraints)
        from headless_wheel_builder.isolation.pip_installer import PipInstaller

        return PipInstaller(self._constraints)

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[VenvSession]:
        """Have environments for one build, for the length of a `with` block.

        :raises InterpreterError: there is no such interpreter
        """
        base = find_base(python, context, configured=self.config.python_path, use_uv=self.config.use_uv)
        context.processes.checkpoint()
        with temporary_folder("hwb-env-", context.report) as work:
            hooks, installers = self._contexts(context, work)
            means = Means(
                installer=self._installer,
                base=base,
                context=installers,
                work=work,
                network=self.config.network,
                patience=self._patience,
            )
            environments = self._environments(means, context)
            try:
                yield VenvSession(environments, hooks, self._installer.label, self.config.extra_env or {})
            except BaseException:  # a cancellation too: what is left of a failed build is not given back as sound
                environments.close(failed=True)
                raise
            environments.close(failed=False)

    def _contexts(self, context: Context, work: str) -> tuple[Context, Context]:
        """Return the contexts of hooks and of installers."""
        if not self.config.clean_env:
            return context, context
        home = os.path.join(work, "home")
        os.mkdir(home)
        # A host that was started ahead does not know this home, and knows more than this.
        alone = changed(context, ahead=None)
        hooks, installers = for_hooks(context.environ, home), for_installers(context.environ)
        return changed(alone, environ=hooks), changed(alone, environ=installers)

    def _environments(self, means: Means, context: Context) -> FreshEnvironments | KeptEnvironments:
        fresh = FreshEnvironments(means, self.config.env_dir)
        if not self.config.cache_envs or self.config.env_dir is not None:
            return fresh
        from headless_wheel_builder.isolation.cache import cache_folder
        from headless_wheel_builder.isolation.keeper import not_kept
        from headless_wheel_builder.isolation.kept import KeptEnvironments
        from headless_wheel_builder.isolation.store import Store

        try:
            store = Store(cache_folder(context.environ), checkpoint=context.processes.checkpoint)
            store.recall("")
        except IsolationError as error:
            context.report(not_kept(error))
            return fresh
        return KeptEnvironments(store, means, fresh, self._constraints)

    def _hold(self, python: str, requirements: Sequence[str], context: Context) -> BuildEnvironment:
        from pathlib import Path

        self.check(python, context)
        check_requirements(requirements)
        with contextlib.ExitStack() as on_failure:
            session = on_failure.enter_context(self.session(python, context))
            environment = on_failure.enter_context(session.provision(requirements))
            try:
                session.confirm()
            except OutdatedError:
                environment = on_failure.enter_context(session.provision(requirements))
            release = on_failure.pop_all().close
        paths = Path(environment.python), Path(environment.site_packages)
        return BuildEnvironment(*paths, environment.env_vars, release=release)


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

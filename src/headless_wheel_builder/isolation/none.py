"""No isolation: hooks run in an interpreter as it is, and nothing is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headless_wheel_builder.background import Background
from headless_wheel_builder.errors import IsolationError, UnmetDependenciesError
from headless_wheel_builder.events import Made, Warned
from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.allowed import for_hooks
from headless_wheel_builder.isolation.base import BuildEnvironment, Context, PlainSession
from headless_wheel_builder.isolation.bases import Base, find_base
from headless_wheel_builder.isolation.distributions import installed_versions
from headless_wheel_builder.isolation.targets import dotted
from headless_wheel_builder.process import Processes
from headless_wheel_builder.temporary import temporary_folder
from headless_wheel_builder.values import changed, field, value

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.capacity import Capacity
    from headless_wheel_builder.isolation.target import Missing, Target

# The oldest interpreter that `build`, whose check this is, can be imported by.
OLDEST_TO_CHECK: Final = (3, 10)


@value
class NoIsolation:
    """The strategy that uses an interpreter as it is.

    :param skip_dependency_check: do not look whether the build requirements are there
    :param network: whether hooks have one
    :param hook_timeout: seconds that one hook may take; None for as long as it wants
    :param hook_silence: seconds in which a hook may print nothing; then it shows where it is, and is ended
    :param clean_env: give hooks no variables of the caller's but those that builds are told things by
    :param extra_env: variables that hooks get on top of the caller's
    """

    skip_dependency_check: bool = False
    network: bool = True
    hook_timeout: float | None = None
    hook_silence: float | None = None
    clean_env: bool = False
    extra_env: Mapping[str, str] = field(default_factory=dict)
    isolated: ClassVar[bool] = False

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        """Return the interpreter's own environment.

        :raises IsolationError: there is no such interpreter
        :raises DependencyError: requirements are missing in it
        """
        from pathlib import Path

        from headless_wheel_builder.threads import run_blocking

        context = Context(environ=dict(os.environ))

        def look(processes: Processes) -> BuildEnvironment:
            own = changed(context, processes=processes)
            base = find_base(python_version, own)
            with contextlib.ExitStack() as on_failure:
                hooks = on_failure.enter_context(self._of_hooks(own))
                with Launchers(own.processes, own.report, own.hook_output) as launchers:
                    found = self._environment(base, hooks, launchers, build_requirements)
                    found.check()
                release = on_failure.pop_all().close
            return BuildEnvironment(Path(found.python), Path(found.site_packages), found.env_vars, release=release)

        return await run_blocking(look)

    async def check_available(self) -> bool:
        """Tell that no isolation is always to be had."""
        return True

    def check(self, python: str | None, context: Context) -> None:
        """Check that there is such an interpreter, and that hooks can do without a network if they are to.

        :raises InterpreterError: there is none
        :raises IsolationError: they cannot
        """
        self._patience.check()
        if not self.network:
            from headless_wheel_builder.isolation.network import check_no_network

            check_no_network(context)
        find_base(python, context)

    @property
    def _patience(self) -> Patience:
        return Patience(timeout=self.hook_timeout, silence=self.hook_silence)

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

        return find_targets(wanted, context)

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[PlainSession]:
        """Have the interpreter for one build, for the length of a `with` block.

        :raises InterpreterError: there is no such interpreter
        """
        base = find_base(python, context)
        output, patience = context.hook_output, self._patience
        launched = Launchers(context.processes, context.report, output, patience=patience, network=self.network)
        with self._of_hooks(context) as hooks, launched as launchers:

            @contextlib.contextmanager
            def provision(requirements: Sequence[str]) -> Iterator[PlainEnvironment]:
                environment = self._environment(base, hooks, launchers, requirements)
                try:
                    yield environment
                finally:
                    environment.close()

            yield PlainSession(provision)

    @contextlib.contextmanager
    def _of_hooks(self, context: Context) -> Iterator[Context]:
        """Have the context of hooks, for the length of a `with` block."""
        if not self.clean_env:
            yield changed(context, environ={**context.environ, **self.extra_env})
            return
        with temporary_folder("hwb-home-", context.report) as home:
            environ = {**_user_base(context.environ), **for_hooks(context.environ, home), **self.extra_env}
            yield changed(context, environ=environ)

    def _environment(
        self, base: Base, context: Context, launchers: Launchers, requirements: Sequence[str]
    ) -> PlainEnvironment:
        is_checked = not self.skip_dependency_check
        return PlainEnvironment(base, context, launchers, requirements, is_checked=is_checked)


class PlainEnvironment:
    """An interpreter as it is; requirements are looked for, never installed.

    :param requirements: what is looked for from the start, while the backend is imported
    """

    def __init__(
        self, base: Base, context: Context, launchers: Launchers, requirements: Sequence[str], *, is_checked: bool
    ) -> None:
        self._base = base
        self._context = context
        self._launchers = launchers
        self.wants_requirements = is_checked
        self.python = base.executable
        self.env_vars = dict(context.environ)
        self._checking = Background(lambda: self.require(requirements)).start()

    @property
    def site_packages(self) -> str:
        """Where its packages are."""
        return self._base.describe().site_packages

    def check(self) -> None:
        """Wait until it is known that the requirements are there.

        :raises UnmetDependenciesError: one is missing
        """
        self._checking.result()

    def close(self) -> None:
        """Wait for what still looks for requirements."""
        self._checking.wait()

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Check that what a hook asked for is there.

        :raises UnmetDependenciesError: something is missing
        """
        del asked_by
        self.require(requirements)

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution in the interpreter's own folder."""
        return installed_versions([self.site_packages])

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what runs hooks of a backend.

        :raises UnmetDependenciesError: a requirement is missing
        """
        launcher = self._launchers.launcher(self.python, self.env_vars, backend)
        self.check()
        return launcher

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        """Do nothing: hooks write into the folder itself."""
        del kind, folder
        return name

    def require(self, requirements: Sequence[str]) -> None:
        """Check that requirements, and theirs in turn, are there.

        :raises UnmetDependenciesError: something is missing
        """
        if not self.wants_requirements or not requirements:
            return
        version = self._base.describe().version
        if version < OLDEST_TO_CHECK:
            text = f"Whether the build requirements are there cannot be checked on Python {dotted(version[:2])}"
            self._context.report(Warned(text))
        elif unmet := self._unmet(requirements):
            raise UnmetDependenciesError(
                f"Unmet dependencies (checked against {self.python}):" + "".join(map(_item, unmet)),
                hint="Install them there, or leave out --no-isolation.",
            )

    def _unmet(self, requirements: Sequence[str]) -> list[dict[str, Any]]:
        script = pkgutil.get_data(__package__, "unmet.py") or b""
        found = importlib.util.find_spec("build")
        if found is None or found.origin is None:
            raise IsolationError("The package `build` is missing", hint="Install it: python -m pip install build")
        home = os.path.dirname(os.path.dirname(found.origin))
        argv = [self.python, "-c", script.decode(), home, json.dumps(sorted(set(requirements)))]
        answer = self._context.processes.capture(argv, env=self.env_vars)
        if answer.returncode:
            raise IsolationError(
                f"The build requirements could not be looked for in {self.python}",
                cause=answer.stderr.decode(errors="replace").strip().rpartition("\n")[2],
                hint="Pass --skip-dependency-check to go without.",
            )
        unmet: list[dict[str, Any]] = json.loads(answer.stdout)
        return unmet


def _user_base(environ: Mapping[str, str]) -> dict[str, str]:
    # What is installed for the user is required to be there, and is found by way of the home.
    if not sys.platform.startswith("linux") or not environ.get("HOME"):
        return {}
    return {"PYTHONUSERBASE": os.path.join(environ["HOME"], ".local")}


def _item(unmet: dict[str, Any]) -> str:
    chain = " -> ".join(requirement.partition(";")[0].strip() for requirement in unmet["chain"])
    return f"\n\t{chain}\n\t\twanted: {unmet['wanted']}\n\t\tfound: {unmet['found']}"

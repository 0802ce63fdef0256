"""What an isolation strategy promises, and what the engine asks of the ones in this package.

`IsolationStrategy` and `BuildEnvironment` are the public API. The engine is blocking code and talks to a
`Provisioner`; a strategy that satisfies only `IsolationStrategy` is made into one by `foreign.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.events import Made, Reporter, silent
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, OutputMode
from headless_wheel_builder.process import Processes
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.timeline import Timeline
from headless_wheel_builder.values import field, named_value

if TYPE_CHECKING:
    from pathlib import Path

    from headless_wheel_builder.hooks.headstart import HeadStart

Environment = TypeVar("Environment", bound="BuildEnvironment")


class BuildEnvironment:
    """An interpreter with exactly the build requirements.

    :param python_path: its interpreter
    :param site_packages: where its packages are
    :param env_vars: the whole environment for processes that run in it
    :param release: frees what the environment holds; blocking, called once
    """

    def __init__(
        self,
        python_path: Path,
        site_packages: Path,
        env_vars: dict[str, str],
        *,
        release: Callable[[], None] | None = None,
    ) -> None:
        self.python_path = python_path
        self.site_packages = site_packages
        self.env_vars = env_vars
        self._release = release

    def close(self) -> None:
        """Free what the environment holds, blocking; a second call does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    async def cleanup(self) -> None:
        """Free what the environment holds; a second call does nothing."""
        from headless_wheel_builder.threads import run_blocking

        await run_blocking(lambda _: self.close())

    async def __aenter__(self: Environment) -> Environment:  # noqa: PYI019 - typing.Self came with 3.11
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.cleanup()


class IsolationStrategy(Protocol):
    """Whatever makes build environments; anyone may write one."""

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        """Make an environment.

        :param python_version: for example `3.12`
        :param build_requirements: PEP 508 requirements to install
        :raises IsolationError: the environment cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        ...

    async def check_available(self) -> bool:
        """Tell whether the strategy can work here."""
        ...


@named_value
class Context:
    """What a blocking step of a build needs of its surroundings.

    :param environ: the caller's environment; nothing below reads `os.environ`
    :param verbosity: as the command line counts it: 0, more for each `-v`, less for each `-q`
    :param hook_output: where what the backend prints goes
    :param timeline: where what the build does is noted
    :param ahead: a hook host that runs already, in case it is wanted
    :param max_unpacked_size: how many bytes a source distribution may unpack to
    :param share: variables that tell backends in other places how much they may do at once; here `environ` has them
    """

    environ: Mapping[str, str]
    processes: Processes = field(default_factory=Processes)
    report: Reporter = silent
    verbosity: int = 0
    hook_output: OutputMode = "capture"
    timeline: Timeline = field(default_factory=Timeline)
    ahead: HeadStart | None = None
    share: Mapping[str, str] = field(default_factory=dict)
    max_unpacked_size: int = DEFAULT_SIZE


class Provisioned(Protocol):
    """A build environment that the engine can add requirements to."""

    @property
    def wants_requirements(self) -> bool:
        """Whether it does anything with what a hook asks for; else the hook need not be called."""
        ...

    @property
    def python(self) -> str:
        """The path of the interpreter, where the launcher runs it."""
        ...

    @property
    def env_vars(self) -> dict[str, str]:
        """The whole environment for hooks."""
        ...

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution that it has, by canonical name, sorted."""
        ...

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Install what a hook asked for, resolved together with what is there.

        What was asked of the environment before holds no longer: its paths, its launcher.

        :param asked_by: the name of that hook, for errors
        :raises DependencyError: the requirements cannot be installed, or contradict those that are there
        """
        ...

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what runs hooks of a backend in it, for as long as the environment is there."""
        ...

    def fetch(self, kind: Made, folder: str, name: str) -> str:
        """Bring what a hook made into the folder that it was to write to, as it is to be published.

        :param name: what the hook returned
        :return: its name now
        """
        ...


class Session(Protocol):
    """The environments of one build."""

    def provision(self, requirements: Sequence[str]) -> contextlib.AbstractContextManager[Provisioned]:
        """Make an environment for the length of a `with` block, which tells by its end whether the build failed.

        :raises IsolationError: the environment cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        ...

    def ask(self) -> None:
        """Begin to find out whether all environments so far are right."""
        ...

    def confirm(self) -> None:
        """Wait until it is certain that all environments so far were right.

        :raises OutdatedError: one was not: what was built in it does not count
        :raises DependencyError: there is no right one
        """
        ...


class OutdatedError(Exception):
    """An environment was not the right one, or is not any more; the text says why, and how the build goes on."""


@runtime_checkable
class Provisioner(Protocol):
    """A strategy as the engine uses it."""

    @property
    def isolated(self) -> bool:
        """Whether it installs what is required, and shows it in step lines."""
        ...

    def session(self, python: str | None, context: Context) -> contextlib.AbstractContextManager[Session]:
        """Have environments for one build, for the length of a `with` block.

        :param python: the target interpreter as the user wrote it; None for the one that runs us
        """
        ...

    def check(self, python: str | None, context: Context) -> None:
        """Check what can be checked before anything is made.

        :raises HeadlessWheelBuilderError: provisioning would fail
        """
        ...


class PlainSession:
    """A session of environments that have nothing in common, and are right from the start."""

    def __init__(self, provision: Callable[[Sequence[str]], contextlib.AbstractContextManager[Provisioned]]) -> None:
        self.provision = provision

    def ask(self) -> None:
        """Do nothing."""

    def confirm(self) -> None:
        """Do nothing."""


def contradiction(asked_by: str, *, there: Sequence[str], asked: Sequence[str], reason: str) -> DependencyError:
    """Return the error that names both sides of requirements which could not be installed together.

    :param asked_by: the name of the hook that asked for more
    :param there: the requirements of `[build-system]`
    :param reason: what the installer says
    """
    sides = f"`requires` has: {', '.join(sorted(there))}\n{asked_by} asked for: {', '.join(sorted(asked))}"
    return DependencyError(
        f"What {asked_by} asked for could not be installed together with `requires` of [build-system]",
        cause=f"{sides}\n{reason}",
        hint="If they contradict each other, change `requires` so that both can be had, or settings of the backend that"
        " make it ask; else mend what the installer tells of, the network or the index settings for example.",
    )

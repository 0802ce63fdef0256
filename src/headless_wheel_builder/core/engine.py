"""The engine: builds for callers from Python."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headless_wheel_builder import isolation
from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.metadata import parsed_metadata
from headless_wheel_builder.core.request import BuildRequest, default_output_dir
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import Kind, Reporter, silent
from headless_wheel_builder.isolation.base import Context, IsolationStrategy, Provisioner
from headless_wheel_builder.isolation.foreign import ForeignProvisioner, Waiter
from headless_wheel_builder.process import Processes
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.threads import run_blocking
from headless_wheel_builder.values import changed, field, named_value

if TYPE_CHECKING:
    from headless_wheel_builder.jobs.task import TaskResult

T = TypeVar("T")


@named_value
class BuildConfig:
    """How to build.

    :param python: the target interpreter: a version (`3.12`, `3.13t`, `pypy3.10`) or a path; None for the running one
    :param isolation: the strategy that makes build environments; None for `VenvIsolation()`
    :param config_settings: settings for the backend's hooks (PEP 517)
    :param sdist_extract_dir: where the sdist that a wheel is built from is unpacked, to be kept
    :param timeout: seconds that one build may take, of many the build for each target; None for as long as it wants
    :param environ: the environment that builds start from; None for this process's when a build starts
    :param max_unpacked_size: how many bytes a source distribution may unpack to
    """

    python: str | Path | None = None
    isolation: IsolationStrategy | None = None
    config_settings: Mapping[str, Any] = field(default_factory=dict)
    sdist_extract_dir: Path | None = None
    timeout: float | None = None
    environ: Mapping[str, str] | None = None
    max_unpacked_size: int = DEFAULT_SIZE


class BuildEngine:
    """Build source trees and sdists. One engine may run any number of builds at once.

    :param reporter: gets the events of all its builds, on the threads that build
    """

    def __init__(self, config: BuildConfig | None = None, *, reporter: Reporter = silent) -> None:
        self.config = config or BuildConfig()
        self._reporter = reporter

    async def build(
        self,
        source: str | os.PathLike[str],
        output_dir: str | os.PathLike[str] | None = None,
        *,
        sdist: bool = True,
        wheel: bool = True,
    ) -> BuildResult:
        """Build an sdist, a wheel, or an sdist and the wheel from it.

        Cancelling it ends every process that it started before it returns.

        :param source: a source tree, or an sdist, from which only a wheel can be built
        :param output_dir: where artifacts go; by default `dist` in the source tree, or the sdist's folder
        :param sdist: whether to build an sdist
        :param wheel: whether to build a wheel
        :raises HeadlessWheelBuilderError: the build failed; the output folder is as it was
        """
        request = self._request(source, output_dir)
        if not sdist and not wheel:
            raise RequestError("Neither an sdist nor a wheel was asked for", hint="Pass sdist=True or wheel=True.")
        if not (sdist and wheel):
            request = changed(request, kinds=("sdist",) if sdist else ("wheel",))
        if sdist and request.from_sdist:
            raise RequestError(
                f"{request.source} is a source distribution already", hint="Pass sdist=False to build a wheel from it."
            )
        return await self._run(request, Build.run)

    def build_many(
        self,
        sources: Sequence[str | os.PathLike[str]],
        output_dir: str | os.PathLike[str] | None = None,
        *,
        pythons: Sequence[str | Path] = (),
        isolations: Sequence[IsolationStrategy] = (),
        sdist: bool = True,
        wheel: bool = True,
        jobs: int | None = None,
        fail_fast: bool = False,
    ) -> AsyncIterator[TaskResult]:
        """Build the sdist of each source, and from it a wheel for every target, some at once.

        Results come in the order of completion; what is built is published by then, and a failure is a result too.
        Closing the iterator, or cancelling the task that awaits it, ends what runs.

        :param sources: source trees and sdists
        :param output_dir: where artifacts go; by default `dist` in each source tree, or the sdist's folder
        :param pythons: the target interpreters: versions, paths, or `all`; none for that of the configuration
        :param isolations: the strategies, each for all interpreters; none for that of the configuration
        :param sdist: whether sdists are published
        :param wheel: whether wheels are built
        :param jobs: how many are built at once; None for what processors and memory are enough for
        :param fail_fast: stop the others when one has failed
        :raises HeadlessWheelBuilderError: nothing could be begun
        """
        from headless_wheel_builder.jobs.plan import Source, Wanted
        from headless_wheel_builder.jobs.work import work_on
        from headless_wheel_builder.threads import iterate_blocking

        for name, listed in (("sources", sources), ("pythons", pythons)):
            if isinstance(listed, (str, os.PathLike)):
                raise RequestError(f"{name} has to be a list", hint=f"Pass {name}=[{os.fspath(listed)!r}].")
        if not sources or (jobs is not None and jobs < 1):
            raise RequestError("A run needs a source and at least one job", hint="Pass sources=['.'] and jobs=None.")
        if not sdist and not wheel:
            raise RequestError("Neither sdists nor wheels were asked for", hint="Pass sdist=True or wheel=True.")
        own = () if self.config.python is None else (self.config.python,)
        kinds: dict[Kind, bool] = {"sdist": sdist, "wheel": wheel}
        wanted = Wanted(
            sources=tuple(Source(path=os.path.abspath(source)) for source in sources),
            strategies=(),
            output_dir=None if output_dir is None else os.path.abspath(output_dir),
            kinds=frozenset(kind for kind, is_wanted in kinds.items() if is_wanted),
            pythons=tuple(_written(python) for python in pythons or own),
            config_settings=self.config.config_settings,
            timeout=self.config.timeout,
        )
        environ = dict(os.environ if self.config.environ is None else self.config.environ)
        loop = asyncio.get_running_loop()

        def on_thread(processes: Processes) -> Iterator[TaskResult]:
            wait = LoopWaiter(loop, processes)
            strategies = tuple(self._provisioner(wait, one) for one in isolations or (self.config.isolation,))
            context = self._context(environ, processes)
            return work_on(changed(wanted, strategies=strategies), context, jobs=jobs, fail_fast=fail_fast)

        return iterate_blocking(on_thread)

    async def metadata(self, source: str | os.PathLike[str]) -> dict[str, Any]:
        """Return the metadata of the wheel that would be built, or of a .whl file, as packaging's RawMetadata has it.

        :raises HeadlessWheelBuilderError: it cannot be had
        """
        return parsed_metadata(await self._run(self._request(source, None), Build.metadata))

    async def _run(self, request: BuildRequest, work: Callable[[Build], T]) -> T:
        environ = dict(os.environ if self.config.environ is None else self.config.environ)
        loop = asyncio.get_running_loop()

        def on_thread(processes: Processes) -> T:
            context = self._context(environ, processes)
            return work(Build(request, self._provisioner(LoopWaiter(loop, processes), self.config.isolation), context))

        return await run_blocking(on_thread)

    def _context(self, environ: Mapping[str, str], processes: Processes) -> Context:
        size = self.config.max_unpacked_size
        return Context(environ=environ, processes=processes, report=self._reporter, max_unpacked_size=size)

    def _request(self, source: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None) -> BuildRequest:
        # Now, as the current folder may be another one when a thread gets to it.
        place = os.path.abspath(source) if os.fspath(source) else ""
        extract_dir = self.config.sdist_extract_dir
        return BuildRequest(
            source=place,
            output_dir=default_output_dir(place) if output_dir is None else os.path.abspath(output_dir),
            python=None if self.config.python is None else _written(self.config.python),
            config_settings=self.config.config_settings,
            sdist_extract_dir=None if extract_dir is None else os.path.abspath(extract_dir),
            timeout=self.config.timeout,
        )

    def _provisioner(self, wait: Waiter, configured: IsolationStrategy | None) -> Provisioner:
        strategy = configured or isolation.VenvIsolation()
        return strategy if isinstance(strategy, Provisioner) else ForeignProvisioner(strategy, wait)


async def build_wheel(
    source: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    python: str | Path | None = None,
    sdist: bool = False,
    config_settings: Mapping[str, Any] | None = None,
    isolation: IsolationStrategy | None = None,
    reporter: Reporter = silent,
) -> BuildResult:
    """Build a wheel.

    :param source: a source tree, or an sdist
    :param output_dir: where it goes; by default `dist` in the source tree, or the sdist's folder
    :param python: the target interpreter: a version or a path; None for the running one
    :param sdist: build an sdist first, and the wheel from it
    :param config_settings: settings for the backend's hooks (PEP 517)
    :param isolation: the strategy that makes the build environment; None for `VenvIsolation()`
    :param reporter: gets the events of the build
    :raises HeadlessWheelBuilderError: the build failed; the output folder is as it was
    """
    config = BuildConfig(python=python, isolation=isolation, config_settings=config_settings or {})
    return await BuildEngine(config, reporter=reporter).build(source, output_dir, sdist=sdist)


def _written(python: str | Path) -> str:
    if isinstance(python, str) and os.sep not in python:
        return python
    return os.path.abspath(os.path.expanduser(python))


class LoopWaiter:
    """Run awaitables on an event loop, for a thread that waits for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, processes: Processes) -> None:
        self._loop = loop
        self._processes = processes

    def __call__(self, awaitable: Awaitable[T], *, cancellable: bool = True) -> T:
        """Return the awaitable's result, or raise `Cancelled` when the build is cancelled first."""

        async def outcome() -> T:
            return await awaitable

        future = asyncio.run_coroutine_threadsafe(outcome(), self._loop)
        if not cancellable:
            return future.result()
        with self._processes.on_cancel(lambda: _cancel(future)):
            try:
                return future.result()
            except concurrent.futures.CancelledError:
                self._processes.checkpoint()
                raise


def _cancel(future: concurrent.futures.Future[T]) -> None:
    future.cancel()

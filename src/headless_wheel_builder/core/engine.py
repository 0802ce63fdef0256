"""The engine: builds for callers from Python."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from headless_wheel_builder import isolation
from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.metadata import parsed_metadata
from headless_wheel_builder.core.request import BuildRequest, default_output_dir
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.isolation.base import Context, IsolationStrategy, Provisioner
from headless_wheel_builder.isolation.foreign import ForeignProvisioner, Waiter
from headless_wheel_builder.process import Processes
from headless_wheel_builder.threads import run_blocking
from headless_wheel_builder.values import changed, field, named_value

T = TypeVar("T")


@named_value
class BuildConfig:
    """How to build.

    :param python: the target interpreter: a version (`3.12`, `3.13t`, `pypy3.10`) or a path; None for the running one
    :param isolation: the strategy that makes build environments; None for `VenvIsolation()`
    :param config_settings: settings for the backend's hooks (PEP 517)
    :param sdist_extract_dir: where the sdist that a wheel is built from is unpacked, to be kept
    :param environ: the environment that builds start from; None for this process's when a build starts
    """

    python: str | Path | None = None
    isolation: IsolationStrategy | None = None
    config_settings: Mapping[str, Any] = field(default_factory=dict)
    sdist_extract_dir: Path | None = None
    environ: Mapping[str, str] | None = None


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

    async def metadata(self, source: str | os.PathLike[str]) -> dict[str, Any]:
        """Return the metadata of the wheel that would be built, or of a .whl file, as packaging's RawMetadata has it.

        :raises HeadlessWheelBuilderError: it cannot be had
        """
        return parsed_metadata(await self._run(self._request(source, None), Build.metadata))

    async def _run(self, request: BuildRequest, work: Callable[[Build], T]) -> T:
        environ = dict(os.environ if self.config.environ is None else self.config.environ)
        loop = asyncio.get_running_loop()

        def on_thread(processes: Processes) -> T:
            context = Context(environ=environ, processes=processes, report=self._reporter)
            return work(Build(request, self._provisioner(LoopWaiter(loop, processes)), context))

        return await run_blocking(on_thread)

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
        )

    def _provisioner(self, wait: Waiter) -> Provisioner:
        strategy = self.config.isolation or isolation.VenvIsolation()
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

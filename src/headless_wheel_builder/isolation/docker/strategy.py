"""Isolation by containers."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.background import awaited
from headless_wheel_builder.errors import HeadlessWheelBuilderError, IsolationError
from headless_wheel_builder.isolation.base import BuildEnvironment, Context
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.capacity import TASK_MEMORY, Capacity
from headless_wheel_builder.isolation.docker.config import DockerConfig, PlatformType
from headless_wheel_builder.isolation.docker.endpoint import find_endpoint
from headless_wheel_builder.isolation.docker.engine import Engine, connect
from headless_wheel_builder.isolation.docker.equipment import equip
from headless_wheel_builder.isolation.docker.forward import reachable
from headless_wheel_builder.isolation.docker.images import all_images, facts_of, find_image, known_architecture
from headless_wheel_builder.isolation.docker.inspection import facts_on
from headless_wheel_builder.isolation.docker.limits import limits
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.provisioned_images import ProvisionedImages
from headless_wheel_builder.isolation.docker.session import ContainerSession
from headless_wheel_builder.isolation.docker.surroundings import likely
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Store
from headless_wheel_builder.process import Processes
from headless_wheel_builder.requirements import check_requirements
from headless_wheel_builder.threads import run_blocking
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from pathlib import Path

    from headless_wheel_builder.isolation.docker.environment import ContainerBuildEnvironment
    from headless_wheel_builder.isolation.docker.surroundings import Surroundings
    from headless_wheel_builder.isolation.target import Missing, Target

# What is built for when nothing else is asked for.
_RUNNING: Final = ".".join(map(str, sys.version_info[:2]))


class DockerIsolation:
    """The strategy that builds in containers, for wheels that run on other people's Linux.

    Its blocking methods are those of a `Provisioner`, with which the engine builds; the others are for callers.
    """

    isolated = True

    def __init__(self, config: DockerConfig | None = None) -> None:
        self.config = config or DockerConfig()

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        """Have an image with the requirements; whoever asks for it has to clean it up.

        :param python_version: as `--python` takes it: `3.12`, `3.13t`, `pp311`, a path in the image
        :param build_requirements: PEP 508 requirements
        :raises IsolationError: there is no engine or no such image, or the environment cannot be made
        :raises DependencyError: the requirements cannot be installed
        """
        check_requirements(build_requirements)
        environ = dict(os.environ)
        return await run_blocking(
            lambda processes: self._hold(python_version, tuple(build_requirements), environ, processes)
        )

    async def build_in_container(  # noqa: PLR0917 - the promised signature
        self,
        source_dir: Path,
        output_dir: Path,
        env: BuildEnvironment,
        build_wheel: bool = True,
        build_sdist: bool = False,
        config_settings: dict[str, str] | None = None,
    ) -> tuple[Path | None, Path | None, str]:
        """Build a source tree or an sdist in a container.

        What the project requires is installed besides what the environment has.

        :param source_dir: a source tree, or an sdist
        :param output_dir: where artifacts go
        :param env: of `create_environment()`
        :param build_sdist: build an sdist; with `build_wheel` the wheel comes from it
        :param config_settings: settings for the backend's hooks (PEP 517)
        :return: the wheel, the sdist, and what the backend printed
        :raises HeadlessWheelBuilderError: the build failed; the output folder is as it was
        """
        from headless_wheel_builder.isolation.docker.building import build, requested
        from headless_wheel_builder.isolation.docker.environment import held

        request = requested(source_dir, output_dir, config_settings, wheel=build_wheel, sdist=build_sdist)
        strategy, context = Lent(self.config, held(env)), Context(environ=dict(os.environ))
        result = await run_blocking(lambda processes: build(request, strategy, changed(context, processes=processes)))
        wheel, sdist = result.wheel, result.sdist
        return wheel.path if wheel else None, sdist.path if sdist else None, result.log

    async def check_available(self) -> bool:
        """Tell whether there is an engine that answers."""
        context = Context(environ=dict(os.environ))
        return await run_blocking(lambda processes: not self.refusal(changed(context, processes=processes)))

    async def list_available_images(self) -> dict[str, str]:
        """Return what each image that is known by a short name is, by that name."""
        return dict(all_images())

    async def get_image_info(self, image: str) -> dict[str, Any]:
        """Return what is known of an image.

        :param image: as `DockerConfig.image` takes it
        :return: `name`, `reference`, `architecture`, `platform`, and where they are known `description`, `policy`,
            `tag`, `digest`, `end_of_life`; `available` tells whether the engine has it, and then there are `id`,
            `created`, `size` in bytes and its `labels`
        :raises RequestError: there is no image of that name
        :raises IsolationError: only an engine can tell, and none answers
        """
        config = changed(self.config, image=image)
        context = Context(environ=dict(os.environ))
        known = facts_of(find_image(config))

        def look(processes: Processes) -> dict[str, Any]:
            there = self._on_engine(config, changed(context, processes=processes), is_known="policy" in known)
            return {**known, **there}

        return await run_blocking(look)

    def check(self, python: str | None, context: Context) -> None:
        """Check what can be checked before anything is made.

        :raises HeadlessWheelBuilderError: provisioning would fail
        """
        del python
        find_image(self.config)
        limits(self.config)
        # What follows would only have to log in once more.
        if not find_endpoint(context.environ).is_ssh:
            with _cancelled_if_so(context.processes), self._engine(context):
                pass

    def targets(self, wanted: Sequence[str], context: Context) -> list[Target | Missing]:
        """Return the targets of the image that are meant; it is looked at only if versions alone do not tell.

        :param wanted: as `--python` takes it, or `all`; nothing for the version of the interpreter that runs this
        :raises IsolationError: the image has to be looked at, and cannot be
        :raises RequestError: one of them is no interpreter
        """
        from headless_wheel_builder.isolation.docker.image_targets import ImageTargets

        def look() -> Surroundings:
            with _cancelled_if_so(context.processes), self._place(context, "") as place:
                return place.surroundings

        return ImageTargets(find_image(self.config), look).find(wanted or (_RUNNING,))

    @property
    def architecture(self) -> str:
        """The architecture that wheels are for, as they name it."""
        return find_image(self.config).architecture

    def capacity(self, context: Context) -> Capacity:
        """Return what the engine's machine can do at once, with containers that have the configured limits.

        :raises IsolationError: there is no engine
        """
        asked = limits(self.config)
        with self._engine(context) as engine:
            info = engine.api.info()
        cores, memory = info["NCPU"], info["MemTotal"]
        task_memory, task_cores = min(asked.memory or TASK_MEMORY, memory), min(asked.cpus or 1.0, cores)
        return Capacity(cores, memory, task_memory, task_cores, known_architecture(info["Architecture"]))

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[ContainerSession]:
        """Have environments for one build, for the length of a `with` block.

        :raises IsolationError: there is no such image, or no engine
        :raises InterpreterError: the image has no such interpreter
        """
        with self._opened(python or _RUNNING, context) as session:
            yield session

    @contextlib.contextmanager
    def _opened(
        self, python: str, context: Context, lent: ContainerBuildEnvironment | None = None
    ) -> Iterator[ContainerSession]:
        with _cancelled_if_so(context.processes), self._place(context, likely(python)) as place:
            images = ProvisionedImages(place, equip(place, python))
            always = () if lent is None else lent.requirements
            if lent is not None:
                images.lend(always, lent.provisioned)
            with _closing(ContainerSession(place, images, always)) as session:
                yield session

    def _hold(
        self, python: str, requirements: tuple[str, ...], environ: Mapping[str, str], processes: Processes
    ) -> ContainerBuildEnvironment:
        from headless_wheel_builder.isolation.docker.environment import hold

        return hold(self.session(python, Context(environ=environ, processes=processes)), python, requirements)

    def refusal(self, context: Context) -> str:
        """Return why no engine can be used, in a sentence; empty if one can."""
        try:
            with self._engine(context):
                return ""
        except IsolationError as error:
            return error.message

    def _on_engine(self, config: DockerConfig, context: Context, *, is_known: bool) -> dict[str, Any]:
        try:
            with self._engine(context) as engine:
                return facts_on(engine, find_image(config))
        except IsolationError:
            if is_known:
                return {"available": False}
            raise

    @contextlib.contextmanager
    def _place(self, context: Context, guess: str) -> Iterator[Place]:
        image = find_image(self.config)
        with self._engine(context) as engine:
            store = Store(cache_folder(context.environ), checkpoint=context.processes.checkpoint)
            keeper = Keeper(store, context.report)
            with contextlib.closing(Place(engine, image, self.config, context, keeper, guess=guess)) as place:
                yield place

    @contextlib.contextmanager
    def _engine(self, context: Context) -> Iterator[Engine]:
        timeout = self.config.timeout
        with reachable(find_endpoint(context.environ), context, timeout) as endpoint:
            engine = awaited(lambda: connect(endpoint, timeout, context.report), context.processes)
            with contextlib.closing(engine):
                yield engine


class Lent(DockerIsolation):
    """The same, but every environment has what one of a caller has too."""

    def __init__(self, config: DockerConfig, environment: ContainerBuildEnvironment) -> None:
        super().__init__(config)
        self._environment = environment

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[ContainerSession]:
        """Have environments for one build, for the length of a `with` block."""
        del python
        with self._opened(self._environment.python, context, self._environment) as session:
            yield session


async def get_docker_isolation(platform: PlatformType = "auto", architecture: str = "x86_64") -> DockerIsolation:
    """Return a strategy for a platform.

    :raises RequestError: there is no image for it
    """
    config = DockerConfig(platform=platform, architecture=architecture)
    find_image(config)
    return DockerIsolation(config)


@contextlib.contextmanager
def _closing(session: ContainerSession) -> Iterator[ContainerSession]:
    try:
        yield session
    except HeadlessWheelBuilderError:
        session.place.context.processes.checkpoint()
        session.keep()
        raise
    finally:
        session.close()


@contextlib.contextmanager
def _cancelled_if_so(processes: Processes) -> Iterator[None]:
    """Raise `Cancelled` instead of an error in a `with` block if the build was cancelled.

    What an engine says when it is asked for something of a container that we have ended is no reason of a failure.
    """
    try:
        yield
    except HeadlessWheelBuilderError:
        processes.checkpoint()
        raise

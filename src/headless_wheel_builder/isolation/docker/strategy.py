"""Isolation by containers."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import EnvironmentCreating, Kind, Noticed, RequirementsInstalling
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher
from headless_wheel_builder.isolation.base import Context, PlainSession
from headless_wheel_builder.isolation.docker import programs, repair
from headless_wheel_builder.isolation.docker.carried import carried
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.container import Container, Plan
from headless_wheel_builder.isolation.docker.endpoint import find_endpoint
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine, connect
from headless_wheel_builder.isolation.docker.images import Image, find_image
from headless_wheel_builder.isolation.docker.launcher import SOURCES, ContainerLauncher
from headless_wheel_builder.isolation.docker.provisioning import CAPABILITIES, ENVIRONMENT, PYTHON, provision
from headless_wheel_builder.isolation.docker.surroundings import Interpreter, Surroundings, look
from headless_wheel_builder.isolation.docker.workshop import open_workshop
from headless_wheel_builder.values import changed


class DockerIsolation:
    """The strategy that builds in containers, for wheels that run on other people's Linux."""

    isolated = True

    def __init__(self, config: DockerConfig | None = None) -> None:
        self.config = config or DockerConfig()

    def check(self, python: str | None, context: Context) -> None:
        """Check what can be checked before anything is made.

        :raises HeadlessWheelBuilderError: provisioning would fail
        """
        del python
        find_image(self.config)
        with self._engine(context):
            pass

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[PlainSession]:
        """Have environments for one build, for the length of a `with` block."""
        image = find_image(self.config)
        with self._engine(context) as engine:
            place = Place(engine, image, self.config, context)
            interpreter = place.surroundings.find(python or ".".join(map(str, sys.version_info[:2])))
            yield PlainSession(lambda requirements: self._provision(place, interpreter, requirements))

    @contextlib.contextmanager
    def _engine(self, context: Context) -> Iterator[Engine]:
        engine = connect(find_endpoint(context.environ), self.config.timeout)
        with contextlib.closing(engine):
            yield engine

    @contextlib.contextmanager
    def _provision(
        self, place: Place, interpreter: Interpreter, requirements: Sequence[str]
    ) -> Iterator[ContainerEnvironment]:
        place.context.report(EnvironmentCreating(f"container of {place.image.name}"))
        environment = ContainerEnvironment(place, interpreter)
        try:
            environment.make(requirements, requirements)
            yield environment
        finally:
            environment.close()


class Place:
    """An image on an engine, where environments are made."""

    def __init__(self, engine: Engine, image: Image, config: DockerConfig, context: Context) -> None:
        self.engine = engine
        self.image = image
        self.config = config
        self.context = context
        if image.end_of_life:
            context.report(Noticed(f"The distribution in {image.name} gets no updates since {image.end_of_life}"))
        with engine.doing(f"The image {image.reference} cannot be had"):
            self.id = str(engine.api.inspect_image(image.reference)["Id"])
        self.carried = carried(context.environ)
        self.surroundings: Surroundings = look(engine, self.plan(self.id), context.processes)

    def plan(self, image: str) -> Plan:
        """Return a plan of a container, with what holds for all of them."""
        config = self.config
        return Plan(image=image, platform=self.image.platform, argv=(), cpus=config.cpu_limit)


class ContainerEnvironment:
    """An environment in a container of its own image."""

    wants_requirements = True
    python = PYTHON

    def __init__(self, place: Place, interpreter: Interpreter) -> None:
        self._place = place
        self._interpreter = interpreter
        self._requirements: tuple[str, ...] = ()
        self._image = ""
        self._launcher: ContainerLauncher | None = None

    @property
    def env_vars(self) -> dict[str, str]:
        """The whole environment for hooks."""
        environ = self._place.surroundings.environ
        network = self._place.carried.network if self._place.config.network else {}
        own = {"PATH": f"{ENVIRONMENT}/bin:{environ['PATH']}", "VIRTUAL_ENV": ENVIRONMENT, "PYTHONNOUSERSITE": "1"}
        return {**environ, **network, **own, **self._place.config.extra_env}

    def installed(self) -> Mapping[str, str]:
        """Return the version of each distribution that it has."""
        return self._contents.installed()

    def add(self, requirements: Sequence[str], *, asked_by: str) -> None:
        """Make the environment anew, with what a hook asked for."""
        del asked_by
        self.make((*self._requirements, *requirements), requirements)

    def make(self, requirements: Sequence[str], new: Sequence[str]) -> None:
        """Make an image with requirements."""
        self.close()
        if new:
            self._place.context.report(RequirementsInstalling(tuple(sorted(set(new)))))
        place, self._requirements = self._place, tuple(requirements)
        plan = changed(place.plan(place.id), argv=(self._interpreter.path,), capabilities=CAPABILITIES)
        with open_workshop(place.engine, plan, place.context.processes, place.carried.files) as workshop:
            uv = place.surroundings.tools["uv"]
            self._contents = provision(
                workshop, self._interpreter, uv, requirements, place.carried, place.context
            )
            self._image = workshop.container.commit({})

    def launcher(self, backend: BackendPlace) -> Launcher:
        """Return what runs hooks of a backend in it."""
        if self._launcher is None:
            place = self._place
            plan = changed(
                place.plan(self._image), argv=(PYTHON, programs.HOST, "0", "1"), network=place.config.network, folder=SOURCES
            )
            context = place.context
            container = context.processes.add(lambda: Container(place.engine, plan))
            self._launcher = ContainerLauncher(container, PYTHON, backend, context.processes, context.report)
        return self._launcher

    def fetch(self, kind: Kind, folder: str, name: str) -> str:
        """Bring an artifact that a hook made into the folder that it was to go to; a wheel after its repair.

        :raises ArtifactError: it cannot be repaired
        """
        if self._launcher is None:
            raise IsolationError("Nothing was built")
        there = self._launcher.places[folder]
        if kind == "wheel" and self._place.config.repair_wheel and name == os.path.basename(name):
            there, name = self._repaired(self._launcher, there, name)
        self._launcher.container.get(there, folder, self._place.context.processes.checkpoint)
        return name

    def _repaired(self, launcher: ContainerLauncher, folder: str, name: str) -> tuple[str, str]:
        place, target = self._place, f"{folder}-repaired"
        environ, auditwheel = place.surroundings.environ, place.surroundings.tools["auditwheel"]
        if auditwheel is None:
            raise IsolationError("There is no auditwheel in the image", hint="--no-repair leaves wheels as they are.")
        wanted = repair.options(place.config, environ, auditwheel)
        answer = launcher.program(programs.REPAIR, f"{folder}/{name}", target, wanted)
        if answer["outcome"] == "failed":
            raise repair.failure(name, answer, environ.get("AUDITWHEEL_PLAT"))
        return (target, str(answer["name"])) if answer["outcome"] == "repaired" else (folder, name)

    def close(self) -> None:
        """Remove the container and the image."""
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.container.close()
            self._place.context.processes.remove(launcher.container)
        image, self._image = self._image, ""
        if image:
            with contextlib.suppress(*ERRORS):
                self._place.engine.api.remove_image(image, force=True)

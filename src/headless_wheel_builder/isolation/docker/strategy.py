"""Isolation by containers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.cache import cache_folder
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.endpoint import find_endpoint
from headless_wheel_builder.isolation.docker.engine import Engine, connect
from headless_wheel_builder.isolation.docker.images import find_image
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.provisioned import ProvisionedImages
from headless_wheel_builder.isolation.docker.session import ContainerSession
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Store


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
    def session(self, python: str | None, context: Context) -> Iterator[ContainerSession]:
        """Have environments for one build, for the length of a `with` block.

        :raises IsolationError: there is no such image, or no engine
        :raises InterpreterError: the image has no such interpreter
        """
        image = find_image(self.config)
        with self._engine(context) as engine:
            store = Store(cache_folder(context.environ), checkpoint=context.processes.checkpoint)
            place = Place(engine, image, self.config, context, Keeper(store, context.report))
            interpreter = place.surroundings.find(python or ".".join(map(str, sys.version_info[:2])))
            with contextlib.closing(ContainerSession(place, ProvisionedImages(place, interpreter))) as session:
                yield session

    @contextlib.contextmanager
    def _engine(self, context: Context) -> Iterator[Engine]:
        engine = connect(find_endpoint(context.environ), self.config.timeout)
        with contextlib.closing(engine):
            yield engine

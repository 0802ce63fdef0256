"""The container of a build that failed, kept for the user to look into."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import Any, Final

from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.endpoint import DOCKER_SOCKET
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.isolation.docker.installing import PYTHON
from headless_wheel_builder.isolation.docker.keeping import kept_labels
from headless_wheel_builder.isolation.docker.plan import KEPT, in_memory

# Until somebody removes the container.
WAIT: Final = (PYTHON, "-c", "import signal; signal.pause()")


def keep(engine: Engine, container: Container, folder: str, path: str, *, network: bool) -> str:
    """Keep a container as another one, which waits for nobody, and return what to say of it.

    The container itself ends with its frontend, whatever happens to that. What a hook got in its variables is not kept.

    :param folder: where whoever looks into it starts
    :param path: of its environment, as PATH has it
    :raises IsolationError: the engine does not do it
    """
    image = container.commit(kept_labels(""))
    name = f"{container.name}-kept"
    with contextlib.ExitStack() as on_failure, engine.doing("The container could not be kept"):
        on_failure.callback(_remove, engine, name, image)
        made: dict[str, Any] = engine.api.create_container(
            image,
            list(_waiting(container)),
            name=name,
            labels={KEPT: container.name},
            environment={"PATH": path, "VIRTUAL_ENV": programs.ENVIRONMENT},
            working_dir=folder,
            host_config=engine.api.create_host_config(
                auto_remove=True,
                network_mode="default" if network else "none",
                tmpfs=in_memory(container.plan),
            ),
        )
        engine.api.start(made["Id"])
        on_failure.pop_all()
    docker = _docker(engine)
    line = shlex.join([*docker, "exec", "-it", "-w", folder, name, "sh"])
    removal = shlex.join([*docker, "rm", "-f", name])
    return f"The container is kept. To look into it:\n  {line}\nTo remove it:\n  {removal}"


def _waiting(container: Container) -> tuple[str, ...]:
    if not container.plan.in_memory:
        return WAIT
    # As a hook got it: what is in memory ends with the container that it is in.
    return container.python, programs.PACKER, os.devnull, "stay", programs.PARCEL, programs.ENVIRONMENT


def _remove(engine: Engine, name: str, image: str) -> None:
    with contextlib.suppress(*ERRORS):
        engine.api.remove_container(name, force=True, v=True)
    with contextlib.suppress(*ERRORS):
        engine.api.remove_image(image)


def _docker(engine: Engine) -> list[str]:
    # What Docker's command line finds by itself need not be said.
    is_found = engine.source != "the default" or engine.address == f"unix://{DOCKER_SOCKET}"
    return ["docker"] if is_found else ["docker", "-H", engine.address]

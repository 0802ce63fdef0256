"""What a container is made of, and how an engine is asked to make it."""

from __future__ import annotations

from typing import Any, Final

from docker.errors import APIError
from docker.types import LogConfig, Mount

from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.maker import mark
from headless_wheel_builder.values import value

LABEL: Final = "headless-wheel-builder"
# Of the process that made it.
MAKER: Final = f"{LABEL}.maker"
# Of a container that was kept after a failure, for the user to look into.
KEPT: Final = f"{LABEL}.kept"
# Package managers and installers give files to their owners.
PROVISIONING: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
# Of an environment that is in memory; larger ones are on disk.
MOST_MEMORY: Final = 192 * 1024**2
# Modules are loaded from there.
IN_MEMORY: Final = f"exec,mode=755,size={MOST_MEMORY}"
# More than any compiler starts, and less than a machine bears.
MOST_PROCESSES: Final = 16384


@value
class Bind:
    """A folder of the engine's machine, or a volume by its name, and where it is in a container."""

    source: str
    place: str
    is_readonly: bool = False


@value
class Plan:
    """What a container is made of.

    :param image: the image's id
    :param platform: as the OCI image specification names it
    :param argv: its main process; a hook host
    :param network: whether it has one
    :param capabilities: those of its root user; none for hooks
    :param memory: in bytes; None for no limit
    :param cpus: how many processors it may keep busy; None for all
    :param binds: folders of the engine's machine that it sees
    :param folder: where its main process starts
    :param in_memory: whether its environment is there
    :param has_scratch: whether it has a volume for what is not to be in an image of it
    """

    image: str
    platform: str
    argv: tuple[str, ...]
    network: bool = True
    capabilities: tuple[str, ...] = ()
    memory: int | None = None
    cpus: float | None = None
    binds: tuple[Bind, ...] = ()
    folder: str = "/"
    in_memory: bool = False
    has_scratch: bool = False


def in_memory(plan: Plan) -> dict[str, str] | None:
    """Return what of a container is in memory, by place, as the engine takes it; None for nothing."""
    return {programs.ENVIRONMENT: IN_MEMORY} if plan.in_memory else None


def create(engine: Engine, name: str, plan: Plan) -> str:
    """Have an engine make a container, and return its id.

    :raises DockerException: the engine does not do it
    """
    try:
        return _create(engine, name, plan)
    except APIError as error:
        if not engine.init.is_missed(error):
            raise
    return _create(engine, name, plan)


def _create(engine: Engine, name: str, plan: Plan) -> str:
    api = engine.api
    limits: dict[str, Any] = {}
    if plan.memory is not None:
        # No swap on top of it.
        limits.update(mem_limit=plan.memory, memswap_limit=plan.memory)
    if plan.cpus is not None:
        limits["nano_cpus"] = int(plan.cpus * 1e9)
    host_config = api.create_host_config(
        auto_remove=True,
        cap_drop=["ALL"],
        cap_add=list(plan.capabilities),
        init=engine.init.is_wanted(),
        # All of it comes to us already; what a backend prints need not fill the engine's disk too.
        log_config=LogConfig(type=LogConfig.types.NONE),
        network_mode="bridge" if plan.network else "none",
        mounts=[*map(_mount, plan.binds), *([_scratch(name)] if plan.has_scratch else [])],
        pids_limit=MOST_PROCESSES,
        security_opt=["no-new-privileges"],
        tmpfs=in_memory(plan),
        **limits,
    )
    config = api.create_container_config(
        plan.image,
        list(plan.argv),
        user="0:0",
        working_dir=plan.folder,
        stdin_open=True,
        labels={LABEL: name, MAKER: mark()},
        host_config=host_config,
    )
    # None at all: an empty list would be that of the image.
    config["Entrypoint"] = [""]
    # The engine then closes its stdin when the one client that is attached goes.
    config["StdinOnce"] = True
    return str(api.create_container_from_config(config, name=name, platform=plan.platform)["Id"])


def _scratch(name: str) -> Mount:
    # Anonymous: it goes with the container, unless the engine ends before that.
    return Mount(programs.SCRATCH, None, labels={LABEL: name})


def _mount(bind: Bind) -> Mount:
    # Not as Docker's older `Binds`, with which an engine makes folders that are not there.
    is_folder = bind.source.startswith("/") or ":" in bind.source
    return Mount(bind.place, bind.source, type="bind" if is_folder else "volume", read_only=bind.is_readonly)

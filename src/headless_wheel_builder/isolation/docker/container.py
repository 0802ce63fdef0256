"""One container: made, filled, started with a hook host as its main process, and removed."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from docker.errors import APIError, NotFound
from docker.types import LogConfig, Mount

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member, checked, packed, unpack
from headless_wheel_builder.isolation.docker.attachment import Attachment
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.process import OnOutput, Stop
from headless_wheel_builder.values import field, value

LABEL: Final = "headless-wheel-builder"
# Of a container that was kept after a failure, for the user to look into.
KEPT: Final = f"{LABEL}.kept"
# Package managers and installers give files to their owners.
PROVISIONING: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
# More than any compiler starts, and less than a machine bears.
MOST_PROCESSES: Final = 16384


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
    :param binds: `folder of the engine's machine:folder in it[:ro]`
    :param labels: who made it
    :param folder: where its main process starts
    :param has_scratch: whether it has a volume for what is not to be in an image of it
    """

    image: str
    platform: str
    argv: tuple[str, ...]
    network: bool = True
    capabilities: tuple[str, ...] = ()
    memory: int | None = None
    cpus: float | None = None
    binds: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    has_scratch: bool = False


class Container:
    """A container with a hook host, from `make` until `close`; a `Link` to that host.

    The host ends when nobody listens to it any more, and the engine then removes the container.
    """

    id = ""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine = engine
        self._plan = plan
        self._is_ended = False
        self._attachment: Attachment | None = None
        self._mark = secrets.token_bytes(16).hex().encode()
        self._lock = threading.Lock()
        self.platform = plan.platform
        self.name = f"hwb-{secrets.token_hex(6)}"

    def make(self) -> None:
        """Have the engine make it; whatever comes of that, `close` removes it.

        :raises IsolationError: the engine does not do it
        """
        with self._engine.doing("The container could not be made"):
            self.id = _created(self._engine, self.name, self._plan)

    def put(self, members: Iterable[Member], checkpoint: Callable[[], None]) -> None:
        """Write files into it, named from its root.

        :raises IsolationError: the engine does not do it
        """
        with self._engine.doing("Files could not be copied into the container"):
            self._engine.api.put_archive(self.id, "/", checked(packed(members), checkpoint))

    def get(self, path: str, folder: str, checkpoint: Callable[[], None]) -> None:
        """Write what is in a folder of the container into a folder here.

        :raises IsolationError: the engine does not do it
        """
        with self._engine.doing(f"{path} could not be copied out of the container"):
            stream, _ = self._engine.api.get_archive(self.id, path)
            # Until all of it is read, the engine lets nobody else at the container.
            try:
                unpack(checked(stream, checkpoint), folder)
            finally:
                stream.close()

    def start(self, first: Frame) -> None:
        """Start the host, and send it the first frame.

        :raises IsolationError: it cannot be started
        """
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with self._engine.doing("The container could not be started"):
            # Before it runs, so that nothing is lost.
            self._attachment = Attachment(self._engine.api.attach_socket(self.id, params=streams), self._mark)
            self._engine.api.start(self.id)
        if self._is_ended:
            # While there was no connection to close.
            self._attachment.end()
        self._attachment.send(first)

    def send(self, frame: Frame) -> None:
        """Send a frame to the host."""
        self._streams.send({**frame, "mark": self._mark.decode()} if "run" in frame else frame)

    def receive(self, on_output: OnOutput | None) -> Frame | None:
        """Wait for a frame of the host and return it, None when the container is gone."""
        return self._streams.receive(on_output)

    def hand_on(self, on_output: OnOutput | None) -> None:
        """Hand on what a hook that has ended printed last."""
        self._streams.finish(on_output)

    def kill(self) -> None:
        """End it at once, without waiting; one that was not started yet ends as soon as it is."""
        self._is_ended = True
        if self._attachment is not None:
            self._attachment.end()

    def last_words(self) -> str:
        """Return the end of what was printed in it."""
        return "" if self._attachment is None else self._attachment.last_words.decode(errors="replace").strip()

    def stop(self, how: Stop) -> None:
        """End it, as a part of a build."""
        del how
        self.kill()

    def kill_hook(self, hook: int) -> None:
        """Do nothing: a hook ends with its container."""

    def commit(self, labels: Mapping[str, str]) -> str:
        """Keep what it is now as an image, and return the image's id.

        :raises IsolationError: the engine does not do it
        """
        with self._engine.doing("The environment could not be kept as an image"):
            conf = {"Labels": dict(labels), "Cmd": [], "Entrypoint": []}
            return str(self._engine.api.commit(self.id, conf=conf)["Id"])

    def close(self) -> None:
        """Remove it, and wait until it is gone; a second call does nothing."""
        with self._lock:
            if self._attachment is not None:
                self._attachment.close()
            with contextlib.suppress(*ERRORS):
                self._remove()

    @property
    def _streams(self) -> Attachment:
        if self._attachment is None:
            raise IsolationError("The container was used before it was started")
        return self._attachment

    def _remove(self) -> None:
        try:
            # By its name: an engine that was asked to make it, and whose answer got lost, has it too.
            self._engine.api.remove_container(self.name, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # noqa: PLR2004 - it is being removed already
                raise
            with contextlib.suppress(NotFound):
                self._engine.api.wait(self.name, condition="removed")


def _created(engine: Engine, name: str, plan: Plan) -> str:
    api = engine.api
    limits: dict[str, Any] = {}
    if plan.memory is not None:
        # No swap on top of it.
        limits.update(mem_limit=plan.memory, memswap_limit=plan.memory)
    if plan.cpus is not None:
        limits["nano_cpus"] = int(plan.cpus * 1e9)
    host_config = api.create_host_config(
        auto_remove=True,
        binds=list(plan.binds),
        cap_drop=["ALL"],
        cap_add=list(plan.capabilities),
        init=True,
        # All of it comes to us already; what a backend prints need not fill the engine's disk too.
        log_config=LogConfig(type=LogConfig.types.NONE),
        network_mode="bridge" if plan.network else "none",
        # Anonymous: it goes with the container.
        mounts=[Mount(programs.SCRATCH, None)] if plan.has_scratch else [],
        pids_limit=MOST_PROCESSES,
        security_opt=["no-new-privileges"],
        **limits,
    )
    config = api.create_container_config(
        plan.image,
        list(plan.argv),
        user="0:0",
        working_dir=plan.folder,
        stdin_open=True,
        labels={LABEL: name, **plan.labels},
        host_config=host_config,
    )
    # None at all: an empty list would be that of the image.
    config["Entrypoint"] = [""]
    # The engine then closes its stdin when the one client that is attached goes.
    config["StdinOnce"] = True
    return str(api.create_container_from_config(config, name=name, platform=plan.platform)["Id"])

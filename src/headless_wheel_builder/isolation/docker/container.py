"""One container: made, filled, started with a hook host as its main process, and removed."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from docker.errors import APIError, NotFound

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member, checked, packed, unpack
from headless_wheel_builder.isolation.docker.attachment import Attachment
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.isolation.docker.plan import Plan, create
from headless_wheel_builder.process import OnOutput, Processes, Stop


class Container:
    """A container with a hook host, from `make` until `close`; a `Link` to that host.

    The host ends when nobody listens to it any more, and the engine then removes the container.
    """

    id = ""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine = engine
        self.plan = plan
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
            self.id = create(self._engine, self.name, self.plan)

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
            stream = self._engine.api.attach_socket(self.id, params=streams)
            # An engine may have said that it started it, and not have done so.
            has_started = partial(self._engine.has_started, self.id)
            self._attachment = Attachment(stream, self._mark, has_started, self._engine.patience)
            self._engine.api.start(self.id)
        if self._is_ended:
            # While there was no connection to close.
            self._attachment.end()
        self._attachment.send(first)

    def start_again(self, argv: Sequence[str], folder: str, first: Frame) -> None:
        """Have the host become another one, and send that the first frame; what was provisioned with is removed.

        :param folder: where it is to run
        """
        self.send({"become": list(argv), "empty": self._scratch, "cwd": folder})
        self.send(first)

    def send(self, frame: Frame) -> None:
        """Send a frame to the host."""
        self._streams.send({**frame, "mark": self._mark.decode()} if "run" in frame else frame)

    def receive(self, on_output: OnOutput | None) -> Frame | None:
        """Wait for a frame of the host and return it, None when the container is gone."""
        return self._streams.receive(on_output)

    def last_frame(self) -> Frame | None:
        """Return nothing: what it says last is about a hook that ends with it."""

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

    def commit(self, labels: Mapping[str, str], *, pause: bool = True) -> str:
        """Keep what it is now as an image, and return the image's id.

        :param pause: whether what runs there has to wait for it
        :raises IsolationError: the engine does not do it
        """
        with self._engine.doing("The environment could not be kept as an image"):
            conf = {"Labels": dict(labels), "Cmd": [], "Entrypoint": []}
            return str(self._engine.api.commit(self.id, conf=conf, pause=pause)["Id"])

    def leave(self) -> None:
        """Remove it while other things are done; whoever closes the engine waits until it is gone."""
        self.kill()
        self._engine.later(self.close)

    def close(self) -> None:
        """Remove it, and wait until it is gone; a second call does nothing."""
        with self._lock:
            if self._attachment is not None:
                self._attachment.close()
            with contextlib.suppress(*ERRORS):
                self._remove()

    @property
    def python(self) -> str:
        """The interpreter that its host is started with."""
        return self.plan.argv[0]

    @property
    def _scratch(self) -> list[str]:
        return [programs.SCRATCH] if self.plan.has_scratch else []

    @property
    def is_started(self) -> bool:
        """Whether there is a connection to its host."""
        return self._attachment is not None

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


@contextlib.contextmanager
def opened(engine: Engine, plan: Plan, processes: Processes) -> Iterator[Container]:
    """Have a container for the length of a `with` block.

    :param processes: what it is ended with
    :raises IsolationError: there can be none
    """
    container = processes.add(lambda: Container(engine, plan))
    try:
        container.make()
        yield container
    finally:
        container.leave()
        processes.remove(container)

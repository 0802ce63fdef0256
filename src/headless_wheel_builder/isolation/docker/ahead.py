"""A program of a container that is started before there is anything for it to do: until then it imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headless_wheel_builder.background import Background
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker.attachment import Attachment
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine


class Ahead:
    """Starts a program beside what runs in a container; it answers one frame.

    Before that, it answers empty ones when it has imported all.

    :param container: its id
    :param environ: variables on top of the container's
    """

    def __init__(self, engine: Engine, container: str, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self._engine = engine
        self._container = container
        self._argv = list(argv)
        self._environ = dict(environ)
        self._starting: Background[Attachment | None] | None = None

    def start(self) -> None:
        """Start the program unless it was before, and do not wait for that."""
        if self._starting is None:
            self._starting = Background(self._attached).start()

    def get_ready(self) -> None:
        """Wait until it has imported all that it needs, if it was started."""
        self.ask({})

    def ask(self, frame: Frame) -> Frame | None:
        """Return what the program answers; None if it was not started or is gone."""
        attachment = None if self._starting is None else self._starting.result()
        if attachment is None:
            return None
        attachment.send(frame)
        return attachment.receive(None)

    def close(self) -> None:
        """Give up the program: it ends when nobody has anything for it to do."""
        starting, self._starting = self._starting, None
        attachment = None if starting is None else starting.result()
        if attachment is not None:
            attachment.close()

    def _attached(self) -> Attachment | None:
        api = self._engine.api
        try:
            made = api.exec_create(self._container, self._argv, stdin=True, environment=self._environ)
            return Attachment(api.exec_start(made["Id"], socket=True), b"")
        except ERRORS:
            return None  # what it was to do is done without it, or there is no container any more

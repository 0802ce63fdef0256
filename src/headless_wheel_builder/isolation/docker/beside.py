"""Programs beside the hooks in their container: to ask an index there spares a container of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from docker.utils.socket import frames_iter

from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.attachment import STDOUT, close
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.process import OnOutput
from headless_wheel_builder.values import value

# Where such a program has its files.
FOLDER: Final = f"{programs.HOME}/asked"


@value
class Question:
    """What requirements resolve to, as a program that says so on its stdout; nothing in it is a secret.

    :param environ: variables on top of the container's
    :param members: what has to be in the container before
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    members: tuple[Member, ...]


class Beside:
    """Runs programs as `Launcher` does; hooks can get at them, so no answer is to be trusted more than a hook.

    :param container: its id; it has what `Question.members` says
    """

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container
        self.answer = ""

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        """Run a program and return its exit code; what it says on its stdout is the answer then.

        :raises IsolationError: the engine does not do it
        """
        del cwd
        with self._engine.doing(f"{argv[0]} could not be run beside the hooks"):
            api = self._engine.api
            command = api.exec_create(self._container, list(argv), environment=dict(env), workdir=FOLDER)["Id"]
            stdout = bytearray()
            # As a stream, the SDK would never close it.
            stream = api.exec_start(command, socket=True)
            try:
                for number, piece in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                    stdout += piece if number == STDOUT else b""
                    if on_output is not None:
                        on_output(piece)
            finally:
                close(stream)
            self.answer = stdout.decode(errors="replace")
            code = api.exec_inspect(command)["ExitCode"]
            # None: it ended with its container.
            return -1 if code is None else int(code)

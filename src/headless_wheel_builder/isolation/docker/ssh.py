"""The system's own ssh, which forwards a socket of ours to one of another machine, as the user has configured it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

from headless_wheel_builder.background import Background
from headless_wheel_builder.isolation.docker.destination import Destination
from headless_wheel_builder.process import Processes, Stop

LEASH: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "leash.py")
OPTIONS: Final = {
    # Nobody answers a question.
    "BatchMode": "yes",
    # A connection of its own: one that is shared would go on forwarding after us.
    "ControlMaster": "no",
    "ControlPath": "none",
    # Forwards that the user has configured besides may be in use elsewhere.
    "ExitOnForwardFailure": "no",
    "ClearAllForwardings": "no",
    "LogLevel": "INFO",
    # A dead connection is noticed after 45 seconds.
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}
# Of what ssh prints, the end tells why it ended.
WORDS: Final = 4096


class Ssh:
    """An ssh that runs until `close`; it ends with us, however we end.

    :param far: where it leads
    :param near: the socket here, which is made when ssh has logged in; all that there is in its folder
    """

    def __init__(self, far: Destination, near: str, environ: Mapping[str, str], timeout: float) -> None:
        options = [f"-o{name}={text}" for name, text in {**OPTIONS, "ConnectTimeout": f"{timeout:.0f}"}.items()]
        # Neither a terminal nor a program at the other end; nor what a configuration may lend to it: agent, display.
        self._argv = ("ssh", "-NTax", *options, "-L", f"{near}:{far.socket}", *far.argv())
        self._near = near
        self._environ = environ
        self._words = bytearray()
        self._processes = Processes()
        self._theirs, self._ours = os.pipe()
        self._running = Background(self._run).start()

    def has_ended(self, patience: float = 0.0) -> bool:
        """Tell whether nothing is forwarded any more.

        :param patience: seconds to wait for that
        """
        self._running.wait(patience)
        return self._running.has_ended

    def words(self) -> str:
        """Return what ssh said."""
        return self._words.decode(errors="replace").replace("\r", "").strip() or "It did not say why."

    def stop(self, how: Stop) -> None:
        """End it, as a part of a build; but what the build has on the engine is removed through it before."""
        if how == "kill":
            self._processes.stop(how)

    def end(self) -> None:
        """End it, and wait until it has ended; may be called again."""
        self._processes.stop("terminate")
        self._running.wait()

    def close(self) -> None:
        """End it, and forget it."""
        self.end()
        os.close(self._ours)

    def _run(self) -> int:
        argv = (sys.executable, "-I", "-S", LEASH, str(self._theirs), os.path.dirname(self._near), *self._argv)
        try:
            return self._processes.run(argv, env=self._environ, on_output=self._hear, pass_fds=(self._theirs,))
        finally:
            os.close(self._theirs)

    def _hear(self, piece: bytes) -> None:
        self._words += piece
        del self._words[:-WORDS]

"""An engine behind ssh: all connections to it go through one forward."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Final

from headless_wheel_builder.errors import HeadlessWheelBuilderError, IsolationError
from headless_wheel_builder.events import silent
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.docker.destination import Destination, destination
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.ssh import Ssh
from headless_wheel_builder.ownership import owned_folder
from headless_wheel_builder.values import changed

# What ssh takes a path for as it stands, and the longest of a socket on any system.
PLAIN_PATH: Final = re.compile(r"/[\w.+/-]{1,70}")
POLL_SECONDS: Final = 0.02
END_SECONDS: Final = 0.2
PING: Final = b"GET /_ping HTTP/1.0\r\n\r\n"
# What ssh says, and what to do about it.
HINTS: Final = (
    ("Host key verification failed", "Log in once, to check the key of the machine: {login}"),
    ("Permission denied", "Load a key that the account accepts into the agent (ssh-add), and try: {login}"),
    ("Could not resolve hostname", "Is the name right? One of your own needs an entry in ~/.ssh/config."),
    ("open failed", "Is {socket} the engine's socket, and may the account use it? Another: ssh://HOST/PATH/OF/SOCKET."),
)


class Login:
    """The way through a forward, until the engine answers.

    :param timeout: seconds that it may take
    """

    def __init__(self, endpoint: Endpoint, far: Destination, context: Context, timeout: float) -> None:
        self._endpoint = endpoint
        self._far = far
        self._checkpoint = context.processes.checkpoint
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def wait(self, ssh: Ssh, near: str) -> None:
        """Wait until the engine answers.

        :raises IsolationError: it does not
        """
        while (connection := _connected(near)) is None:
            self._check(ssh)
            time.sleep(POLL_SECONDS)
        with connection:
            connection.settimeout(POLL_SECONDS)
            while (is_there := _answers(connection)) is None:
                self._check(ssh)
        if not is_there:
            # What ssh says of it has been printed, but perhaps not read.
            ssh.end()
            raise self._failed(ssh.words())

    def _check(self, ssh: Ssh) -> None:
        self._checkpoint()
        if ssh.has_ended():
            raise self._failed(ssh.words())
        if time.monotonic() > self._deadline:
            raise self._failed(f"ssh got no answer in {self._timeout:.0f} seconds.")

    def _failed(self, reason: str) -> IsolationError:
        hint = next((text for sign, text in HINTS if sign in reason), "Try: {login}")
        return IsolationError(
            f"No container engine answers at {self._endpoint.address} ({self._endpoint.source})",
            cause=reason,
            hint=hint.format(login=self._far, socket=self._far.socket),
        )


@contextlib.contextmanager
def reachable(endpoint: Endpoint, context: Context, timeout: float) -> Iterator[Endpoint]:
    """Have an endpoint that can be connected to, for the length of a `with` block.

    :param timeout: seconds until an engine behind ssh has to answer
    :raises IsolationError: ssh does not get there, or had ended when the block failed
    """
    if not endpoint.is_ssh:
        yield endpoint
        return
    far = destination(endpoint)
    _check_program(endpoint, context.environ)
    with _private_folder() as folder, contextlib.ExitStack() as stack:
        near = os.path.join(folder, "engine.sock")
        ssh = context.processes.add(lambda: Ssh(far, near, context.environ, timeout))
        stack.callback(context.processes.remove, ssh)
        stack.callback(ssh.close)
        Login(endpoint, far, context, timeout).wait(ssh, near)
        try:
            yield changed(endpoint, near=f"unix://{near}")
        except HeadlessWheelBuilderError as error:
            context.processes.checkpoint()
            # Its connections end a moment before it does.
            if not ssh.has_ended(END_SECONDS):
                raise
            raise IsolationError(f"The connection to {endpoint.address} was lost", cause=ssh.words()) from error


def _connected(near: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(near)
    except OSError:
        connection.close()
        return None
    # One that is broken off already is no reason to try again: `_answers` tells.
    with contextlib.suppress(OSError):
        connection.sendall(PING)
    return connection


def _answers(connection: socket.socket) -> bool | None:
    """Tell whether there is an answer, None as long as there is nothing."""
    try:
        return bool(connection.recv(1))
    except TimeoutError:
        return None
    except OSError:
        return False


def _check_program(endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    if os.name == "nt":
        raise IsolationError(
            f"{endpoint.address} of {endpoint.source} cannot be reached from Windows",
            cause="Its ssh does not forward to sockets.",
            hint="Use an engine at tcp:// with TLS, or run this in WSL.",
        )
    if shutil.which("ssh", path=environ.get("PATH")) is None:
        raise IsolationError(
            f"{endpoint.address} of {endpoint.source} cannot be reached",
            cause="There is no program named ssh on PATH.",
            hint="Install OpenSSH's client.",
        )


@contextlib.contextmanager
def _private_folder() -> Iterator[str]:
    if PLAIN_PATH.fullmatch(tempfile.gettempdir()):
        place: contextlib.AbstractContextManager[str] = tempfile.TemporaryDirectory(prefix="hwb-")
    else:
        place = owned_folder("/tmp", "hwb-ssh-", silent)  # noqa: S108 - a folder of its own in it
    with place as folder:
        yield folder

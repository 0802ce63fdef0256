"""Where an ssh:// address leads."""

from __future__ import annotations

import re
from typing import Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.endpoint import DOCKER_SOCKET, Endpoint
from headless_wheel_builder.values import value

# A part that began with a dash would be an option of ssh, and one with a space or a % could be more than one.
USER: Final = r"(?:(?P<user>[\w.+\\][\w.+\\@-]*)@)?"
HOST: Final = r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.][\w.-]*))"
PATH: Final = r"(?P<path>/[\w.@+/-]*)?"
ADDRESS: Final = re.compile(rf"ssh://{USER}{HOST}(?::(?P<port>\d{{1,5}}))?{PATH}")


@value
class Destination:
    """An account of a machine, and the engine's socket on it.

    :param user: empty for whom ssh is configured to be
    :param port: empty for the one that ssh is configured to use
    """

    user: str
    host: str
    port: str
    socket: str

    def argv(self) -> tuple[str, ...]:
        """Return the arguments of ssh for it."""
        port = ("-p", self.port) if self.port else ()
        user = ("-l", self.user) if self.user else ()
        return (*port, *user, "--", self.host)

    def __str__(self) -> str:
        return " ".join(("ssh", *self.argv())).replace(" -- ", " ")


def destination(endpoint: Endpoint) -> Destination:
    """Read an ssh:// address.

    :raises IsolationError: it is none, or could be taken for something else
    """
    found = ADDRESS.fullmatch(endpoint.address)
    if found is None:
        raise IsolationError(
            f"{endpoint.address} of {endpoint.source} is no address of an engine",
            hint="Write ssh://[USER@]HOST[:PORT][/PATH/OF/SOCKET]. It has no password: load a key with ssh-add.",
        )
    socket = (found["path"] or "").rstrip("/") or DOCKER_SOCKET
    return Destination(found["user"] or "", found["address"] or found["name"], found["port"] or "", socket)

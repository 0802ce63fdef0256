"""An ssh:// address is read as Docker's command line reads it, and nothing in it becomes an option of ssh."""

from __future__ import annotations

import pytest

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.destination import destination
from headless_wheel_builder.isolation.docker.endpoint import DOCKER_SOCKET, Endpoint


@pytest.mark.parametrize(
    ("address", "argv", "socket"),
    [
        ("ssh://Far", ["--", "Far"], DOCKER_SOCKET),
        ("ssh://me@far.example/", ["-l", "me", "--", "far.example"], DOCKER_SOCKET),
        ("ssh://me@home@far:2222", ["-p", "2222", "-l", "me@home", "--", "far"], DOCKER_SOCKET),
        ("ssh://[fe80::1]:22/run/d.sock", ["-p", "22", "--", "fe80::1"], "/run/d.sock"),
        ("ssh://far/run/user/1000/podman/podman.sock", ["--", "far"], "/run/user/1000/podman/podman.sock"),
    ],
)
def test_an_address_has_an_account_a_port_and_a_socket(address: str, argv: list[str], socket: str) -> None:
    found = destination(Endpoint(address))
    assert (list(found.argv()), found.socket) == (argv, socket)


def test_it_is_shown_as_it_would_be_typed() -> None:
    assert str(destination(Endpoint("ssh://me@far:2222"))) == "ssh -p 2222 -l me far"


@pytest.mark.parametrize(
    "address",
    [
        "ssh://",
        "ssh://-v",
        "ssh://-v@far",
        "ssh://far@-v",
        "ssh://-oProxyCommand=evil",
        "ssh://-oProxyCommand=evil@far",
        "ssh://me@-oProxyCommand=evil",
        "ssh://far/run/a:b",
        "ssh://far/run/%h",
        "ssh://far/run/${HOME}",
        "ssh://far/run/d.sock?x=1",
        "ssh://far extra",
        "ssh://far\n",
        "ssh://me:secret@far",
        "ssh://far:port",
    ],
)
def test_what_could_be_something_else_is_refused(address: str) -> None:
    with pytest.raises(IsolationError, match="of DOCKER_HOST is no address of an engine"):
        destination(Endpoint(address, source="DOCKER_HOST"))

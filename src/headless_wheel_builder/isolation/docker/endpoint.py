"""Which engine is meant: the order of Docker's own command line, where an unknown context is an error."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.values import value

DEFAULT_CONTEXT: Final = "default"
DOCKER_SOCKET: Final = "/var/run/docker.sock"
PLAIN_PORT: Final = 2375
TLS_PORT: Final = 2376
WINDOWS_PIPE: Final = "npipe:////./pipe/docker_engine"


@value
class Endpoint:
    """The address of an engine.

    :param address: `unix://`, `tcp://`, `npipe://` or `ssh://`
    :param certificates: a folder with ca.pem, cert.pem and key.pem; empty for a connection without TLS
    :param is_verified: whether the engine's certificate is checked
    :param source: what says so, for messages
    :param near: where it is connected to instead, the near end of a forward for example
    """

    address: str
    certificates: str = ""
    is_verified: bool = True
    source: str = ""
    near: str = ""

    @property
    def is_ssh(self) -> bool:
        """Whether the engine is behind ssh."""
        return self.address.startswith("ssh://")

    @property
    def url(self) -> str:
        """Where it is connected to."""
        scheme, _, place = (self.near or self.address).partition("://")
        if scheme != "tcp":
            return self.near or self.address
        # As Docker's command line completes it.
        host = place.rstrip("/") or "localhost"
        has_port = host.rpartition(":")[2].isdecimal() and not host.endswith("]")
        return f"tcp://{host}" if has_port else f"tcp://{host}:{TLS_PORT if self.certificates else PLAIN_PORT}"


def find_endpoint(environ: Mapping[str, str], platform: str = os.name) -> Endpoint:
    """Return the engine that Docker's command line would talk to; podman's if there is no other.

    :raises IsolationError: a context is named that does not exist
    """
    if address := environ.get("DOCKER_HOST"):
        # Any text means yes, even "0".
        is_verified, is_tls = bool(environ.get("DOCKER_TLS_VERIFY")), bool(environ.get("DOCKER_TLS"))
        certificates = environ.get("DOCKER_CERT_PATH") or _config_folder(environ)
        if is_verified or is_tls:
            return Endpoint(address, certificates, is_verified, source="DOCKER_HOST")
        return Endpoint(address, source="DOCKER_HOST")
    name = environ.get("DOCKER_CONTEXT")
    source = "DOCKER_CONTEXT"
    if not name:
        path = os.path.join(_config_folder(environ), "config.json")
        name, source = _read(path).get("currentContext"), f"currentContext of {path}"
    if name and name != DEFAULT_CONTEXT:
        return _of_context(str(name), source, _config_folder(environ))
    return Endpoint(WINDOWS_PIPE, source="the default") if platform == "nt" else _local(environ)


def meaning(address: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the engine at an address is meant, whatever else it names."""
    others = {name: text for name, text in environ.items() if name != "DOCKER_CONTEXT"}
    return {**others, "DOCKER_HOST": address}


def _of_context(name: str, source: str, folder: str) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = _read(os.path.join(folder, "contexts", "meta", digest, "meta.json"))
    match meta.get("Endpoints"):
        case {"docker": {"Host": str(address)} as facts}:
            certificates = os.path.join(folder, "contexts", "tls", digest, "docker")
            is_tls = os.path.isdir(certificates)
            is_verified = not facts.get("SkipTLSVerify")
            return Endpoint(address, certificates if is_tls else "", is_verified, f"the context {name}")
    raise IsolationError(
        f"There is no Docker context {name!r}",
        cause=f"{source} names it, but it is not in {os.path.join(folder, 'contexts')}.",
        hint="See which there are: docker context ls",
    )


def _local(environ: Mapping[str, str]) -> Endpoint:
    runtime = environ.get("XDG_RUNTIME_DIR")
    rootless = (os.path.join(runtime, "docker.sock"), os.path.join(runtime, "podman", "podman.sock")) if runtime else ()
    for path in (DOCKER_SOCKET, *rootless, "/run/podman/podman.sock"):
        if os.path.exists(path):
            return Endpoint(f"unix://{path}", source="the default")
    return Endpoint(f"unix://{DOCKER_SOCKET}", source="the default")


def _config_folder(environ: Mapping[str, str]) -> str:
    return environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".docker")


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise IsolationError(f"{path} cannot be read", cause=f"{error}.") from error
    return found if isinstance(found, dict) else {}

"""A container engine: connect to it, and have what it says of errors in words."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final

import docker
import requests
from docker.errors import APIError, DockerException
from docker.tls import TLSConfig

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.endpoint import Endpoint

# The API that the oldest engine has which knows platforms, and the newest that was tried.
OLDEST_API: Final = (1, 41)
NEWEST_API: Final = (1, 51)
# What any of these may raise: timeouts and lost connections are none of Docker's exceptions.
ERRORS: Final = (DockerException, requests.RequestException, OSError)


class Engine:
    """The API of an engine, with what it says of itself.

    :param address: how the user knows it
    :param source: what says that it is this one
    """

    def __init__(self, api: Any, address: str, facts: dict[str, Any], source: str = "") -> None:
        self.api = api
        self.address = address
        self.source = source
        self.is_podman = any("Podman" in part.get("Name", "") for part in facts.get("Components") or ())
        self.version = str(facts.get("Version", ""))

    def close(self) -> None:
        """Give up the connection."""
        self.api.close()

    def has(self, image: str) -> bool:
        """Tell whether it has an image, by its id."""
        try:
            self.api.inspect_image(image)
        except ERRORS:
            return False
        return True

    @contextlib.contextmanager
    def doing(self, what: str, hint: str = "") -> Iterator[None]:
        """Make one of our errors of what the engine says in a `with` block.

        :param what: what could not be done, as a sentence without its full stop
        :raises IsolationError: there was an error
        """
        try:
            yield
        except ERRORS as error:
            reason = said(error)
            raise IsolationError(what, cause=f"{reason}.", hint=hint or _advice(reason)) from error


def _advice(reason: str) -> str:
    if "no space left on device" in reason.lower():
        return "Make room on the engine's machine; docker system df shows what takes it."
    if "no such image" in reason.lower():
        return "Something removed it meanwhile. Build again."
    return ""


def connect(endpoint: Endpoint, timeout: float) -> Engine:
    """Connect to an engine that speaks the API which is needed.

    :param timeout: seconds that it may take to answer anything
    :raises IsolationError: there is none
    """
    try:
        facts = _client(endpoint, OLDEST_API, timeout, lambda api: api.version(api_version=False))
        newest = tuple(map(int, str(facts["ApiVersion"]).split(".")))
        if newest < OLDEST_API:
            raise _too_old(endpoint, facts)
        return Engine(_open(endpoint, min(newest, NEWEST_API), timeout), endpoint.address, facts, endpoint.source)
    except ERRORS as error:
        raise _unreachable(endpoint, error) from error


def _client(endpoint: Endpoint, version: tuple[int, ...], timeout: float, ask: Any) -> Any:
    with contextlib.closing(_open(endpoint, version, timeout)) as api:
        return ask(api)


def _open(endpoint: Endpoint, version: tuple[int, ...], timeout: float) -> docker.APIClient:
    tls = _tls(endpoint) if endpoint.certificates else False
    return docker.APIClient(endpoint.address, version=".".join(map(str, version)), timeout=round(timeout), tls=tls)


def _tls(endpoint: Endpoint) -> TLSConfig:
    ca, certificate, key = (os.path.join(endpoint.certificates, f"{name}.pem") for name in ("ca", "cert", "key"))
    own = (certificate, key) if os.path.exists(certificate) else None
    return TLSConfig(client_cert=own, ca_cert=ca if os.path.exists(ca) else None, verify=endpoint.is_verified)


def _too_old(endpoint: Endpoint, facts: dict[str, Any]) -> IsolationError:
    return IsolationError(
        f"The container engine at {endpoint.address} is too old",
        cause=f"It is version {facts.get('Version')} with API {facts['ApiVersion']}; needed is Docker 20.10 (API 1.41)"
        " or podman 4.",
    )


def _unreachable(endpoint: Endpoint, error: Exception) -> IsolationError:
    reason = said(error)
    if "Permission denied" in reason:
        hint = "Add yourself to the group `docker` and log in again, or use a rootless engine."
    else:
        hint = "Start Docker or podman, or name another engine: docker context use NAME, or DOCKER_HOST."
    return IsolationError(
        f"No container engine answers at {endpoint.address} ({endpoint.source})", cause=f"{reason}.", hint=hint
    )


def said(error: BaseException) -> str:
    """Return the innermost reason, which says what happened."""
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation).rstrip(".\n")
    reasons = []
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        reasons.append(str(inner))
        inner = inner.__cause__ or inner.__context__
    return reasons[0].rstrip(".\n")

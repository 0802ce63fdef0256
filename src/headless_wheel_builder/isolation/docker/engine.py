"""A container engine: connect to it, and have what it says of errors in words."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException

from headless_wheel_builder.background import begin
from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import Reporter, silent
from headless_wheel_builder.isolation.docker import answers, local, tls
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.init import Init
from headless_wheel_builder.isolation.docker.reasons import advice, said

# The API that the oldest engine has which knows platforms, and the newest that was tried.
OLDEST_API: Final = (1, 41)
NEWEST_API: Final = (1, 51)
API: Final = re.compile(r"\d+\.\d+")
# What any of these may raise: timeouts and lost connections are none of Docker's exceptions.
ERRORS: Final = (DockerException, requests.RequestException, OSError)


class Engine:
    """The API of an engine, with what it says of itself.

    :param address: how the user knows it
    :param source: what says that it is this one
    :param patience: seconds that it may say nothing before it is asked whether it is still there; None for ever
    """

    def __init__(
        self,
        api: Any,
        address: str,
        facts: dict[str, Any],
        source: str = "",
        report: Reporter = silent,
        *,
        patience: float | None = None,
    ) -> None:
        self.api = api
        self.patience = patience
        self.address = address
        self.source = source
        self.is_podman = any("Podman" in name for name in answers.components(facts))
        self.version = str(facts.get("Version", ""))
        self._working: list[threading.Thread] = []
        self.init = Init(api, facts, report, is_podman=self.is_podman)

    def later(self, work: Callable[[], None]) -> None:
        """Do something while other things are done, before the connection is given up."""
        thread = threading.Thread(target=work, name="later")
        begin(thread)
        self._working.append(thread)

    def settle(self) -> None:
        """Wait for what was to be done later."""
        while self._working:
            self._working.pop().join()

    def close(self) -> None:
        """Give up the connection, when all that was to be done later is done."""
        self.settle()
        self.api.close()

    def answers(self) -> bool:
        """Tell whether it answers anything, in the time that it has."""
        try:
            self.api.ping()
        except APIError:
            return True
        except ERRORS:
            return False
        return True

    def has_started(self, container: str) -> bool:
        """Tell whether it answers, and does not say that a container was never started."""
        if not self.answers():
            return False
        try:
            found = self.api.inspect_container(container)
        except ERRORS:
            return True  # of its end the connection tells
        state = found.get("State") if isinstance(found, dict) else None
        return not (isinstance(state, dict) and state.get("Status") == "created")

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
            raise IsolationError(what, cause=f"{reason}.", hint=hint or advice(reason, error)) from error


def connect(endpoint: Endpoint, timeout: float, report: Reporter = silent) -> Engine:
    """Connect to an engine that speaks the API which is needed.

    :param timeout: seconds that it may take to answer anything
    :param report: hears what the engine is found to lack
    :raises IsolationError: there is none
    """
    if "@" in endpoint.address and "://" not in endpoint.address:
        # It is not shown: without a scheme nothing tells where a password ends.
        raise IsolationError(
            f"The address of an engine ({endpoint.source}) has an account, and no scheme",
            hint="Write tcp://HOST:PORT, or ssh://USER@HOST.",
        )
    try:
        facts = _client(endpoint, OLDEST_API, timeout, lambda api: api.version(api_version=False))
        newest = _newest_api(facts)
        if newest < OLDEST_API:
            raise _too_old(endpoint, facts)
        api = _open(endpoint, min(newest, NEWEST_API), timeout)
        return Engine(api, endpoint.address, facts, endpoint.source, report, patience=timeout)
    # A ValueError of an address whose port is none. Not `from` it, which may have the address with a password.
    except (*ERRORS, ValueError) as error:
        raise _unreachable(endpoint, error) from None


def _client(endpoint: Endpoint, version: tuple[int, ...], timeout: float, ask: Any) -> Any:
    with contextlib.closing(_open(endpoint, version, timeout)) as api:
        return ask(api)


def _open(endpoint: Endpoint, version: tuple[int, ...], timeout: float) -> docker.APIClient:
    _check_address(endpoint.url)
    certified = tls.configuration(endpoint) if endpoint.certificates else False
    api = docker.APIClient(
        endpoint.url, version=".".join(map(str, version)), timeout=max(1, round(timeout)), tls=certified
    )
    api.hooks["response"].append(answers.check)
    local.close_what_fails(api)
    # The SDK attaches without a timeout, and would wait for ever for an engine that does not answer.
    setattr(api, "post", partial(api.post, timeout=api.timeout))  # noqa: B010 - a method, which mypy wants to stay one
    if certified:
        tls.keep_to(api)
    return api


def _check_address(url: str) -> None:
    """Refuse an address that the SDK would trip over, with an error of its own kind."""
    if url.startswith("npipe://") and os.name != "nt":
        raise DockerException("Only Windows has named pipes")
    try:
        urlsplit(url).port  # noqa: B018 - it is read when it is asked for
    except ValueError as error:
        raise DockerException(str(error)) from None


def _newest_api(facts: object) -> tuple[int, ...]:
    match facts:
        case {"ApiVersion": str(version)} if API.fullmatch(version):
            return tuple(map(int, version.split(".")))
    raise DockerException("What answers there is something else")


def _too_old(endpoint: Endpoint, facts: dict[str, Any]) -> IsolationError:
    return IsolationError(
        f"The container engine at {endpoint.address} is too old",
        cause=f"It is version {facts.get('Version')} with API {facts['ApiVersion']}; needed is Docker 20.10 (API 1.41)"
        " or podman 4.",
    )


def _unreachable(endpoint: Endpoint, error: Exception) -> IsolationError:
    reason = said(error)
    if advice := tls.hint(reason, endpoint):
        hint = advice
    elif "Permission denied" in reason:
        hint = "Add yourself to the group `docker` and log in again, or use a rootless engine."
    else:
        hint = "Start Docker or podman, or name another engine: docker context use NAME, or DOCKER_HOST."
    return IsolationError(
        f"No container engine answers at {endpoint.address} ({endpoint.source})", cause=f"{reason}.", hint=hint
    )

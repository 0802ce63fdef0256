"""Have an engine fetch an image that it does not have."""

from __future__ import annotations

import threading
from typing import Final

import urllib3
from docker.errors import DockerException, StreamParseError

from headless_wheel_builder.events import Noticed, Reporter
from headless_wheel_builder.isolation.docker.engine import ERRORS, Engine
from headless_wheel_builder.isolation.docker.images import Image
from headless_wheel_builder.isolation.docker.inspection import find_on, fits, platform_of
from headless_wheel_builder.isolation.docker.progress import Layers
from headless_wheel_builder.isolation.docker.reasons import said
from headless_wheel_builder.isolation.docker.reference import parse_reference
from headless_wheel_builder.isolation.docker.refusals import (
    LOST,
    SILENT,
    for_another,
    refusal_of,
    refused,
    unknown_id,
)
from headless_wheel_builder.isolation.docker.transfer import Messages, SilenceError, follow
from headless_wheel_builder.process import Processes
from headless_wheel_builder.values import value

# What reading an answer raises beside what asking does: these come from below the SDK.
_BROKEN: Final = (*ERRORS, urllib3.exceptions.HTTPError, StreamParseError, RecursionError)


@value
class Patience:
    """How often and how long an image is tried to be had.

    :param waits: seconds between attempts: registries are often too busy for a moment
    :param silence: seconds that an engine may say nothing while it pulls; extracting a big layer takes some of them
    """

    waits: tuple[float, ...] = (1.0, 4.0, 10.0)
    silence: float = 300.0


PATIENCE: Final = Patience()


def image_id(
    engine: Engine, image: Image, report: Reporter, processes: Processes, patience: Patience = PATIENCE
) -> str:
    """Return the id of an image on the engine, which fetches it first if need be.

    :raises IsolationError: it cannot be had
    :raises Cancelled: the build was cancelled meanwhile
    """
    found = find_on(engine, image)
    has = "" if found is None else platform_of(found)
    if found is None or not fits(found, image):
        if parse_reference(image.reference).is_id:
            raise for_another(image, has) if found else unknown_id(image, engine.address)
        _Pull(engine, image, report, processes, patience).run(has)
        found = find_on(engine, image)
    if found is None or not fits(found, image):
        raise for_another(image, "" if found is None else platform_of(found))
    return str(found["Id"])


class _Pull:
    """The attempts to have an engine fetch one image."""

    def __init__(
        self, engine: Engine, image: Image, report: Reporter, processes: Processes, patience: Patience
    ) -> None:
        self._engine = engine
        self._image = image
        self._report = report
        self._processes = processes
        self._patience = patience
        self._layers = Layers(report)
        self._reason = ""

    def run(self, has: str) -> None:
        """Try until it is there, or will never be.

        :param has: the platform of an image of that name that the engine has; empty if it has none
        """
        self._report(Noticed(f"Pulling {self._image.reference}"))
        for wait in (*self._patience.waits, None):
            reason = self._attempt()
            if reason is None:
                self._layers.finish()
                self._report(Noticed(f"Pulled {self._image.name}"))
                return
            if wait is None or not refusal_of(reason).is_passing:
                raise refused(self._image, reason, has)
            self._report(Noticed(f"Pulling again in {wait:g} s: {reason}"))
            self._sleep(wait)

    def _attempt(self) -> str | None:
        """Return why it failed; None if it did not."""
        self._reason = ""
        silence = self._patience.silence
        try:
            follow(self._engine.api, self._ask, self._hear, self._processes, silence)
        except SilenceError:
            return f"{SILENT} {silence:g} s"
        except _BROKEN as error:
            return said(error) if isinstance(error, DockerException) else f"{LOST}: {said(error)}"
        return self._reason or None

    def _ask(self) -> Messages:
        reference = parse_reference(self._image.reference)
        messages: Messages = self._engine.api.pull(
            reference.name, reference.version, stream=True, decode=True, platform=self._image.platform
        )
        return messages

    def _hear(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        # Errors are told in the stream, after a status that says that all is well.
        if error := message.get("errorDetail") or message.get("error"):
            self._reason = str(error.get("message") if isinstance(error, dict) else error).rstrip(".\n")
        else:
            self._layers.hear(message)

    def _sleep(self, seconds: float) -> None:
        woken = threading.Event()
        with self._processes.on_cancel(woken.set):
            woken.wait(seconds)
        self._processes.checkpoint()

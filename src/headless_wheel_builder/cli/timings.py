"""`--timings`: the waterfall of a build, written when it ends, however it ends."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from typing import TypeVar

from headless_wheel_builder._version import __version__
from headless_wheel_builder.cli import IMPORTED
from headless_wheel_builder.cli.age import process_age
from headless_wheel_builder.core.build import Build
from headless_wheel_builder.core.destination import check_destination
from headless_wheel_builder.core.request import SDIST_SUFFIX, WHEEL_SUFFIX, BuildRequest
from headless_wheel_builder.core.result import BuildResult
from headless_wheel_builder.core.waterfall import Facts, waterfall
from headless_wheel_builder.errors import HeadlessWheelBuilderError, OutputError
from headless_wheel_builder.events import Noticed, Reporter, Warned
from headless_wheel_builder.ownership import owned_folder
from headless_wheel_builder.process import Cancelled
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.timeline import Span, Timeline

T = TypeVar("T", bound="BuildResult | bytes")


class Timings:
    """The page of one build.

    :param path: where it goes
    :param metadata: whether only metadata is asked for
    """

    def __init__(self, path: str, request: BuildRequest, report: Reporter, *, metadata: bool) -> None:
        self._path = path
        self._request = request
        self._report = report
        self._metadata = metadata

    def check(self) -> None:
        """Check, without making anything, that the page can be written and replaces nothing that is needed.

        :raises OutputError: it cannot, or it would
        """
        output_dir = None if self._metadata else self._request.output_dir
        check_destination(self._path, output_dir, noun="waterfall", option="--timings")
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise self._refusal("it is no file")
        if self._path.lower().endswith((SDIST_SUFFIX, WHEEL_SUFFIX)):
            raise self._refusal("it would be taken for an artifact")
        if self._request.report is not None and _is_same(self._path, self._request.report):
            raise self._refusal("the report goes there")

    def of(self, work: Callable[[Build], T]) -> Callable[[Build], T]:
        """Return `work` with the writing of the page at its end.

        That belongs to the build, as there no signal breaks into it.
        """

        def timed(build: Build) -> T:
            try:
                outcome = work(build)
            except BaseException as error:  # a cancellation too: the page shows how far it came
                self._write(build.timeline, self._title(None), _reason(error))
                raise
            self._write(build.timeline, self._title(outcome), "")
            return outcome

        return timed

    def _write(self, timeline: Timeline, title: str, failure: str) -> None:
        end = timeline.now()
        start = Span("start", min(0.0, end - process_age(IMPORTED)), 0.0)
        facts = Facts(title=title, end=end, failure=failure, details=self._details())
        try:
            self._put(waterfall([start, *timeline.spans()], facts))
        except OSError as error:
            # What the build came to is decided, and is not changed by a page about it.
            self._report(Warned(f"The waterfall {self._path} cannot be written: {error.strerror or error}"))
        else:
            self._report(Noticed(f"The waterfall of this build is in {self._path}"))

    def _put(self, page: str) -> None:
        place = os.path.abspath(self._path)
        with owned_folder(os.path.dirname(place), ".hwb-timings-", self._report) as folder:
            # Made in a folder and not by mkstemp, so that it may be read by whoever may read other files.
            file = os.path.join(folder, "page.html")
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(page)
            os.replace(file, place)

    def _title(self, outcome: BuildResult | bytes | None) -> str:
        if isinstance(outcome, BuildResult):
            names = ", ".join(artifact.path.name for artifact in outcome.artifacts)
            return f"{outcome.artifacts[0].name} {outcome.artifacts[0].version}: {names}"
        source = os.path.abspath(self._request.source)
        return os.path.basename(source) or source

    def _details(self) -> dict[str, str]:
        return {
            "Asked for": self._asked_for(),
            "Target": self._request.python or "the interpreter that ran the build",
            "Built by": f"headless-wheel-builder {__version__}",
            "Run by": f"{sys.implementation.name} {sys.version.split()[0]} ({sys.executable})",
            "Platform": sysconfig.get_platform(),
        }

    def _asked_for(self) -> str:
        if self._metadata:
            return "metadata"
        if self._request.from_sdist:
            return "a wheel from an sdist"
        return " and ".join(self._request.kinds) or "an sdist, and a wheel from it"

    def _refusal(self, reason: str) -> OutputError:
        return OutputError(
            f"The waterfall {self._path} cannot be written: {reason}", hint="Name another file with --timings."
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, HeadlessWheelBuilderError):
        return error.message
    return "It was interrupted." if isinstance(error, Cancelled) else redacted(f"{type(error).__name__}: {error}")


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)

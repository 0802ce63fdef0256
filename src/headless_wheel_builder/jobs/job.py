"""A target's build as plain data: a request and an sdist in, a report, a wheel and a log out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headless_wheel_builder import errors
from headless_wheel_builder._version import __version__
from headless_wheel_builder.errors import BackendError, HeadlessWheelBuilderError, HookFailedError, RequestError
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.values import named_value

if TYPE_CHECKING:
    from headless_wheel_builder.core.result import BuildResult


@named_value
class Job:
    """What is wanted; the sdist's bytes travel beside it.

    :param sdist: its file name
    :param python: the interpreter, by its version
    :param strategy: as `portable.facts_of` describes it
    :param timeout: seconds that the build may take; None for as long as it wants
    :param max_unpacked_size: how many bytes the sdist may unpack to
    :param version: of this package, where the job comes from
    """

    sdist: str
    python: str
    strategy: Mapping[str, Any]
    config_settings: Mapping[str, Any]
    timeout: float | None = None
    max_unpacked_size: int = DEFAULT_SIZE
    version: str = __version__

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(vars(self))

    @classmethod
    def of_json(cls, text: str) -> Job:
        """Return what `to_json` wrote.

        :raises RequestError: another version of this package wrote it
        """
        facts = json.loads(text)
        # Another version may know other fields.
        if facts.get("version") != __version__:
            raise RequestError(
                f"A job of headless-wheel-builder {facts.get('version')} cannot be done by {__version__}",
                hint="Install the same version everywhere.",
            )
        return cls(**facts)


@named_value
class Done:
    """What came of a job.

    :param report: JSON: `error`, or `wheel` (its file name) and `versions` of what was in the environment
    :param wheel: the wheel's bytes; none of a job that failed
    :param log: what the backend printed; of very much, the first and the last part
    """

    report: str
    wheel: bytes
    log: str

    @classmethod
    def of_result(cls, result: BuildResult) -> Done:
        """Return the outcome of a build that succeeded."""
        artifact = result.artifacts[0]
        report = {"wheel": artifact.path.name, "versions": dict(result.versions)}
        return cls(report=json.dumps(report), wheel=artifact.path.read_bytes(), log=result.log)

    @classmethod
    def of_error(cls, error: HeadlessWheelBuilderError) -> Done:
        """Return the outcome of a build that failed."""
        log = error.log if isinstance(error, HookFailedError) else ""
        return cls(report=json.dumps({"error": _facts(error)}), wheel=b"", log=log)

    def facts(self) -> dict[str, Any]:
        """Return what the report says.

        :raises HeadlessWheelBuilderError: the job failed
        """
        report: dict[str, Any] = json.loads(self.report)
        if "error" in report:
            raise _error(report["error"], self.log)
        return report


def _facts(error: HeadlessWheelBuilderError) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": type(error).__name__, "message": error.message}
    facts.update(cause=error.cause, hint=error.hint)
    if isinstance(error, BackendError):
        facts["hook"] = error.hook
    if isinstance(error, HookFailedError):
        facts["returncode"] = error.returncode
    return facts


def _error(facts: Mapping[str, Any], log: str) -> HeadlessWheelBuilderError:
    kind = facts["kind"] if facts["kind"] in errors.__all__ else HeadlessWheelBuilderError.__name__
    named = {name: text for name, text in facts.items() if name not in {"kind", "message"}}
    if kind == HookFailedError.__name__:
        named["log"] = log
    error: HeadlessWheelBuilderError = getattr(errors, kind)(facts["message"], **named)
    return error

"""The errors of headless_wheel_builder, one tree.

    HeadlessWheelBuilderError
    ├── ProjectError               the source tree cannot be built as it is
    │   ├── BuildSystemError       its [build-system] table is wrong
    │   └── ConfigurationError     its [tool.headless-wheel-builder] table is wrong
    ├── SdistError                 a source distribution is corrupt or hostile
    ├── OutputError                a folder or file that results go to cannot be used
    ├── RequestError               what was asked for contradicts itself or cannot be read
    ├── DeadlineError              the build took longer than it may
    ├── RefusedError               the system has no room, memory or processes left for a build
    ├── IsolationError             no build environment could be made
    │   └── InterpreterError       no interpreter fits the target
    ├── DependencyError            build requirements could not be installed
    │   └── UnmetDependenciesError they are missing where nothing is installed
    ├── BackendError               the build backend failed
    │   ├── BackendUnavailableError  it cannot be imported
    │   ├── HookFailedError        the process of a hook exited or was killed
    │   └── HookResultError        a hook answered with something that PEP 517 does not allow
    └── ArtifactError              an artifact is not what an installer or an index accepts

Each error is a letter to the user in three parts: `message` (what happened), `cause` (why, most likely) and `hint`
(what to type next). `exit_code` is what the command line exits with. None of them holds the credentials of an address.
"""

from __future__ import annotations

from typing import ClassVar

from headless_wheel_builder.redaction import redacted

__all__ = [
    "ArtifactError",
    "BackendError",
    "BackendUnavailableError",
    "BuildSystemError",
    "ConfigurationError",
    "DeadlineError",
    "DependencyError",
    "HeadlessWheelBuilderError",
    "HookFailedError",
    "HookResultError",
    "InterpreterError",
    "IsolationError",
    "OutputError",
    "ProjectError",
    "RefusedError",
    "RequestError",
    "SdistError",
    "UnmetDependenciesError",
]


class HeadlessWheelBuilderError(Exception):
    """Be the root of every error that this package raises on purpose.

    :param message: what happened, one sentence or a block of text
    :param cause: the likely cause, or what was found and what was expected; may be empty
    :param hint: what to do or to type next; may be empty
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, cause: str = "", hint: str = "") -> None:
        self.message = redacted(message)
        super().__init__(self.message)
        self.cause = redacted(cause)
        self.hint = redacted(hint)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.cause, self.hint) if part)


class ProjectError(HeadlessWheelBuilderError):
    """Say that a source tree cannot be built as it is."""


class BuildSystemError(ProjectError):
    """Say that the `[build-system]` table breaks PEP 517 or PEP 518."""


class ConfigurationError(ProjectError):
    """Say that the `[tool.headless-wheel-builder]` table has what it cannot have."""


class SdistError(HeadlessWheelBuilderError):
    """Say that a source distribution is corrupt, is not one, or is hostile."""


class OutputError(HeadlessWheelBuilderError):
    """Say that a folder or file which results go to cannot be used."""


class RequestError(HeadlessWheelBuilderError):
    """Say that what was asked for contradicts itself or cannot be read."""


class DeadlineError(HeadlessWheelBuilderError):
    """Say that a build took longer than it may."""


class RefusedError(HeadlessWheelBuilderError):
    """Say that the system refused what a build needs: room, memory, processes, open files."""


class IsolationError(HeadlessWheelBuilderError):
    """Say that no build environment could be made."""


class InterpreterError(IsolationError):
    """Say that no interpreter fits the target."""


class DependencyError(HeadlessWheelBuilderError):
    """Say that build requirements could not be installed."""


class UnmetDependenciesError(DependencyError):
    """Say that build requirements are missing where nothing is installed."""


class BackendError(HeadlessWheelBuilderError):
    """Say that the build backend failed.

    :param hook: the name of the hook, as in PEP 517
    """

    def __init__(self, message: str, *, hook: str, cause: str = "", hint: str = "") -> None:
        super().__init__(message, cause=cause, hint=hint)
        self.hook = hook


class BackendUnavailableError(BackendError):
    """Say that the backend cannot be imported."""


class HookFailedError(BackendError):
    """Say that the process of a hook exited with a failure, or was killed.

    :param returncode: as in `subprocess`: negative for a signal
    :param log: what the backend printed, where it was captured
    """

    def __init__(
        self, message: str, *, hook: str, returncode: int, log: str = "", cause: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hook=hook, cause=cause, hint=hint)
        self.returncode = returncode
        self.log = redacted(log)


class HookResultError(BackendError):
    """Say that a hook answered with something that PEP 517 does not allow."""


class ArtifactError(HeadlessWheelBuilderError):
    """Say that an artifact is not what an installer or an index accepts."""

"""The build backend of a source tree, as PEP 517 describes it."""

from __future__ import annotations

import contextlib
import os
import reprlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyproject_hooks

from headless_wheel_builder.errors import (
    BackendError,
    BackendUnavailableError,
    HookFailedError,
    HookResultError,
)
from headless_wheel_builder.events import ArtifactBuilding, Kind, MetadataPreparing, Reporter, RequirementsAsking
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.requirements import find_invalid
from headless_wheel_builder.shortage import ending, full

if TYPE_CHECKING:
    from headless_wheel_builder.hooks.log import Log

# PEP 517 names strings and lists of strings; frontends also pass any other JSON through.
ConfigSettings: TypeAlias = Mapping[str, Any]

METADATA_HOOK: Final = "prepare_metadata_for_build_wheel"
SHOWN_LIMIT: Final = 300


class Backend:
    """The hooks of one backend in one environment.

    :param source: the source tree; hooks run in it
    :param name: the `build-backend` of its `[build-system]`
    :param path: the `backend-path` of it, as written
    :param python: the interpreter of the environment, as it is called where the runner runs it
    :param runner: runs the processes of the hooks
    :param log: holds what the runner captured, for errors to show
    """

    def __init__(
        self,
        source: str,
        name: str,
        path: Sequence[str] = (),
        *,
        python: str,
        runner: pyproject_hooks.SubprocessRunner,
        config_settings: ConfigSettings,
        report: Reporter,
        log: Log,
    ) -> None:
        self._name = name
        self._hooks = pyproject_hooks.BuildBackendHookCaller(
            source,
            name,
            backend_path=path or None,
            runner=runner,
            python_executable=python,
        )
        self._config_settings = config_settings
        self._report = report
        self._log = log
        # Where the hook that runs writes to.
        self._folders: tuple[str, ...] = ()

    def requires(self, kind: Kind) -> tuple[str, ...]:
        """Ask what the backend needs beyond `build-system.requires`: PEP 508 requirements.

        :raises BackendError: the hook failed, or did not return requirements
        """
        self._report(RequirementsAsking(kind))
        hook = f"get_requires_for_build_{kind}"
        return _requirements(hook, self._call(hook))

    def build(self, kind: Kind, folder: str) -> str:
        """Build an artifact into `folder` and return the name that the backend gave it.

        :raises BackendError: the hook failed, or did not return a name
        """
        self._report(ArtifactBuilding(kind))
        hook = f"build_{kind}"
        return _name(hook, self._call(hook, folder))

    def metadata(self, folder: str) -> str | None:
        """Have the wheel's metadata written below `folder`; return the name of its folder, or None without the hook.

        :raises BackendError: the hook failed, or did not return a name
        """
        self._report(MetadataPreparing())
        try:
            return _name(METADATA_HOOK, self._call(METADATA_HOOK, folder, _allow_fallback=False))
        except pyproject_hooks.HookMissing:
            return None

    def _call(self, hook: str, *folder: str, **options: bool) -> object:
        self._folders = folder
        with self._translated(hook):
            result: object = getattr(self._hooks, hook)(*folder, self._config_settings, **options)
        return result

    @contextlib.contextmanager
    def _translated(self, hook: str) -> Iterator[None]:
        try:
            yield
        except pyproject_hooks.BackendUnavailable as error:
            raise self._unavailable(hook, error.traceback or str(error)) from None
        except subprocess.CalledProcessError as error:
            raise self._ended(hook, error.returncode, self._ending(error.returncode)) from None
        except EndedError as error:
            raise self._ended(hook, error.returncode, error.cause, error.hint) from None
        except pyproject_hooks.UnsupportedOperation as error:
            reason = (error.traceback or "").strip().rpartition("\n")[2]
            raise BackendError(
                f"Backend operation failed: the backend says that it cannot do {hook} here", hook=hook, cause=reason
            ) from None
        except pyproject_hooks.HookMissing:
            # Only of this one pyproject-hooks tells; of others it is the hook that claims to be missing.
            if hook == METADATA_HOOK:
                raise
            raise _unexpected(hook, "that it is missing", "what it made or needs") from None
        except (FileNotFoundError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and os.path.basename(error.filename or "") != "output.json":
                raise  # not the answer is missing, but the temporary folder for it
            raise HookResultError(
                f"Backend operation failed: {hook} ended without an answer",
                hook=hook,
                cause=f"The process of the hook exited with status 0 but left no result ({error}).",
                hint="A backend must return from its hooks; this one probably called os._exit().",
            ) from None

    def _ended(self, hook: str, returncode: int, cause: str, hint: str = "") -> HookFailedError:
        message = f"Backend subprocess exited when trying to invoke {hook}"
        return HookFailedError(message, hook=hook, returncode=returncode, log=self._log.text(), cause=cause, hint=hint)

    def _ending(self, returncode: int) -> str:
        places = full([tempfile.gettempdir(), *self._folders])
        return " ".join([ending(returncode), *(f"There is no room left in {place}." for place in places)])

    def _unavailable(self, hook: str, traceback: str) -> BackendUnavailableError:
        module = self._name.partition(":")[0]
        last_line = traceback.strip().rpartition("\n")[2]
        # A backend that is there but fails to import something else shows where in its own traceback.
        is_missing = any(f"'{name}'" in last_line for name in _parents(module))
        return BackendUnavailableError(
            f"Backend '{self._name}' is not available.",
            hook=hook,
            cause=last_line if is_missing else traceback.strip(),
            hint=f"Is the package that provides {module} among the `requires` of [build-system] in pyproject.toml,"
            " and is `build-backend` spelt right?",
        )


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _requirements(hook: str, result: object) -> tuple[str, ...]:
    if not isinstance(result, list) or not all(isinstance(item, str) for item in result):
        raise _unexpected(hook, result, "a list of requirements")
    if invalid := find_invalid(result):
        requirement, reason = invalid
        raise HookResultError(
            f"Backend operation failed: {hook} asked for {_shown(requirement)}, which is not a requirement (PEP 508)",
            hook=hook,
            cause=reason if len(reason) < SHOWN_LIMIT else _shown(reason),
        )
    return tuple(dict.fromkeys(result))


def _name(hook: str, result: object) -> str:
    if not isinstance(result, str) or not result:
        raise _unexpected(hook, result, "the name of what it made")
    return result


class _Repr(reprlib.Repr):
    def repr_str(self, x: str, level: int) -> str:
        """Show a text that may be cut, and then no credentials could be found in it any more."""
        return super().repr_str(redacted(x), level)


def _shown(value: object) -> str:
    # What a backend returned can be megabytes, or nested so that it cannot be shown.
    whole = _Repr()
    whole.maxstring = whole.maxother = whole.maxlong = SHOWN_LIMIT
    return whole.repr(value)


def _unexpected(hook: str, result: object, expected: str) -> HookResultError:
    return HookResultError(
        f"Backend operation failed: {hook} returned {_shown(result)}",
        hook=hook,
        cause=f"PEP 517 asks it to return {expected}.",
        hint="This is a fault of the build backend, or of an in-tree backend of this project.",
    )

"""uv and pip: make an environment, and install requirements into it."""

from __future__ import annotations

import glob
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import CommandOutput, CommandStarted, Noticed
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import Speaker, by_lines
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.interpreters import Interpreter
from headless_wheel_builder.isolation.uv import Uv, find_uv

# What sends an installation elsewhere, or keeps it from happening. The switches are set to 0 rather than removed, so
# that they also override pip's configuration files.
PIP_SWITCHES: Final = ("PIP_USER", "PIP_DRY_RUN", "PIP_REQUIRE_VIRTUALENV")
PIP_PLACES: Final = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REPORT")
UV_PLACES: Final = ("UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "UV_VENV_SEED", "UV_BREAK_SYSTEM_PACKAGES")
PYTHON_PLACES: Final = ("PYTHONPATH", "PYTHONHOME")

# uv has no third level of verbosity.
UV_MOST_VERBOSE: Final = 2
LETTER_LINES: Final = 30


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an environment is made: its folder, and one for what an installer needs to be told."""

    folder: str
    work: str


class Installer(Protocol):
    """Whatever makes an environment and fills it."""

    label: str

    def check(self, context: Context) -> None:
        """Raise `IsolationError` if the installer is not there."""
        ...

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment at `place`, or raise `IsolationError`."""
        ...

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install requirements for the environment's `python`, or raise `DependencyError`."""
        ...


class UvInstaller:
    """uv, for both.

    :param constraints: hold for all that is installed
    """

    label = "venv+uv"

    def __init__(self, constraints: Constraints | None = None) -> None:
        self._constraints = constraints

    def check(self, context: Context) -> None:
        """Raise `IsolationError` if there is no uv."""
        self._find(context)

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment at `place`, or raise `IsolationError`."""
        uv = self._find(context)
        if uv.is_external:
            context.report(Noticed(f"Using external uv from {uv.path}"))
        argv = (uv.path, "venv", "--no-config", "--python", interpreter.executable, place.folder)
        _run_maker(argv, self._environ(place, context), context)

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install requirements for the environment's `python`, or raise `DependencyError`."""
        del interpreter
        project = os.path.join(place.work, "project")
        os.makedirs(project, exist_ok=True)
        # An empty uv.toml ends uv's search for [tool.uv] in the current folder and above.
        _write(os.path.join(project, "uv.toml"), "")
        argv = [self._find(context).path, "pip"]
        if context.verbosity > 1:
            argv.append(f"-{'v' * min(UV_MOST_VERBOSE, context.verbosity - 1)}")
        argv += ["install", "--project", project, "--python", python]
        argv += _files(place, requirements, self._constraints)
        _run_installer(argv, self._environ(place, context), context)

    def _find(self, context: Context) -> Uv:
        uv = find_uv(context.environ)
        if uv is None:
            raise IsolationError(
                "uv executable not found",
                cause="It comes with this package, but it was removed.",
                hint="Install it (pip install uv), or pass --installer pip.",
            )
        return uv

    def _environ(self, place: Place, context: Context) -> dict[str, str]:
        environ = _without(context.environ, (*UV_PLACES, *PYTHON_PLACES))
        environ["VIRTUAL_ENV"] = place.folder
        return _with_keyring(_with_temporary(environ, place), "UV_KEYRING_PROVIDER")


class PipInstaller:
    """virtualenv makes the environment, pip fills it from outside, so that the environment has no pip of its own.

    :param constraints: hold for all that is installed
    """

    label = "virtualenv+pip"

    def __init__(self, constraints: Constraints | None = None) -> None:
        self._constraints = constraints

    def check(self, context: Context) -> None:
        """Do nothing: virtualenv is a dependency of this package."""
        del context

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment at `place`, or raise `IsolationError`."""
        environ = {name: value for name, value in context.environ.items() if not name.startswith("VIRTUALENV_")}
        environ["VIRTUALENV_CONFIG_FILE"] = os.path.join(place.work, "virtualenv.ini")
        argv = [sys.executable, "-m", "virtualenv", "--no-seed", "--activators", "", "--no-periodic-update"]
        argv += ["--python", interpreter.executable, place.folder]
        # -m puts the current folder on sys.path: one that holds nothing.
        _run_maker(argv, environ, context, cwd=place.work)

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install requirements for the environment's `python`, or raise `DependencyError`."""
        # -I: neither a pip folder in the current one nor the user's site is imported.
        argv = [python, "-I", os.path.join(_pip_wheel(interpreter), "pip")]
        if context.verbosity > 1:
            argv.append(f"-{'v' * (context.verbosity - 1)}")
        argv += ["install", "--use-pep517", "--no-warn-script-location", "--no-compile", "--no-input"]
        argv += ["--disable-pip-version-check", *_files(place, requirements, self._constraints)]
        environ = _without(context.environ, (*PIP_PLACES, *PYTHON_PLACES))
        environ.update(dict.fromkeys(PIP_SWITCHES, "0"))
        _run_installer(argv, _with_keyring(_with_temporary(environ, place), "PIP_KEYRING_PROVIDER"), context)


def _pip_wheel(interpreter: Interpreter) -> str:
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wheel = get_embed_wheel("pip", interpreter.minor_version)
    # For an interpreter that is too old for all that it brings, virtualenv gives nothing, or the newest.
    if wheel is not None and wheel.support_py(interpreter.minor_version):
        return str(wheel.path)
    bundled = sorted(glob.glob(os.path.join(glob.escape(interpreter.ensurepip), "pip-*.whl")))
    if not bundled:
        raise IsolationError(
            f"There is no pip for Python {interpreter.minor_version}",
            cause=f"virtualenv has none for it, and {interpreter.ensurepip} holds none.",
            hint="Pass --installer uv.",
        )
    return bundled[-1]


def _run_maker(argv: Sequence[str], environ: Mapping[str, str], context: Context, *, cwd: str | None = None) -> None:
    returncode, output = _run(argv, environ, context, cwd=cwd)
    if returncode:
        raise IsolationError(
            f"The build environment could not be made: {os.path.basename(argv[0])} exited with status {returncode}",
            cause=_transcript(argv, output),
        )


def _run_installer(argv: Sequence[str], environ: Mapping[str, str], context: Context) -> None:
    returncode, output = _run(argv, environ, context)
    if returncode:
        raise DependencyError(
            "The build requirements could not be installed",
            cause=_transcript(argv, output),
            hint="Check `requires` of [build-system], the constraints, the index settings and the network;"
            " -v shows the installer's command and all that it says.",
        )


def _run(
    argv: Sequence[str], environ: Mapping[str, str], context: Context, *, cwd: str | None = None
) -> tuple[int, str]:
    log = Log()
    speaker = Speaker(log, by_lines(lambda line: context.report(CommandOutput(line))))
    is_shown = context.verbosity > 0
    if is_shown:
        context.report(CommandStarted(tuple(argv)))
    try:
        returncode = context.processes.run(
            argv, env=environ, cwd=cwd, on_output=speaker.write if is_shown else log.write
        )
    except OSError as error:
        raise IsolationError(f"{argv[0]} cannot be started: {error}") from error
    speaker.close()
    return returncode, log.text()


def _files(place: Place, requirements: Sequence[str], constraints: Constraints | None) -> list[str]:
    # From a file, because pip ignores environment markers on its command line, and a URL may hold a password.
    path = os.path.join(place.work, "requirements.txt")
    _write(path, "\n".join(requirements) + "\n")
    return ["-r", path, *(["-c", constraints.file(place.work)] if constraints else [])]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _without(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


def _with_temporary(environ: dict[str, str], place: Place) -> dict[str, str]:
    # An installer that is killed leaves its temporary folders: in ours, they go with it.
    folder = os.path.join(place.work, "tmp")
    os.makedirs(folder, exist_ok=True)
    return {**environ, "TMPDIR": folder, "TEMP": folder, "TMP": folder}


def _with_keyring(environ: dict[str, str], variable: str) -> dict[str, str]:
    # Without a terminal to ask at, only the keyring program can know a password; python -m build does the same.
    if variable not in environ and shutil.which("keyring", path=environ.get("PATH")):
        environ[variable] = "subprocess"
    return environ


def _transcript(argv: Sequence[str], output: str) -> str:
    lines = output.strip().splitlines()[-LETTER_LINES:]
    return "\n".join((f"> {shlex.join(argv)}", *(f"< {line}" for line in lines)))

"""What makes an environment and fills it, and what uv and pip have in common there."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import CommandOutput, CommandStarted
from headless_wheel_builder.hooks.launcher import Launcher
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import Speaker, by_lines
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.redaction import secrets
from headless_wheel_builder.shortage import ending, refused, said
from headless_wheel_builder.values import named_value

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.interpreters import Interpreter

PYTHON_PLACES: Final = ("PYTHONPATH", "PYTHONHOME")
LETTER_LINES: Final = 30
CHECKS: Final = (
    "Check `requires` of [build-system], the constraints, the index settings and the network;"
    " -v shows the installer's command and all that it says. Without a network, UV_OFFLINE=1 has uv use what it"
    " downloaded before."
)


@named_value
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

    def resolve(self, base: Base, work: str, context: Context, requirements: Sequence[str]) -> str:
        """Return what `install` would install, one exact requirement a line with its hashes, in a fixed order.

        :param work: an empty folder
        :raises DependencyError: the requirements cannot be installed
        """
        ...

    def install_resolved(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, text: str
    ) -> None:
        """Install exactly what `resolve` returned, or raise `DependencyError`."""
        ...

    def settings(self, environ: Mapping[str, str]) -> Sequence[str]:
        """Return the settings that decide what an environment with given distributions looks like."""
        ...


def run_maker(
    argv: Sequence[str],
    environ: Mapping[str, str],
    context: Context,
    *,
    cwd: str | None = None,
    runner: Launcher | None = None,
) -> None:
    """Run what makes an environment, or raise `IsolationError`.

    :param runner: runs it somewhere else
    """
    returncode, output = _run(argv, environ, context, cwd=cwd, runner=runner)
    if returncode:
        # Elsewhere other places are short of room.
        short = said(output, returncode) if runner is None else None
        raise IsolationError(
            f"The build environment could not be made: {os.path.basename(argv[0])} exited with status {returncode}",
            cause=_cause(argv, output, returncode),
            hint=short.hint if short else "",
        )


def run_installer(
    argv: Sequence[str], environ: Mapping[str, str], context: Context, *, runner: Launcher | None = None
) -> None:
    """Run what installs or resolves requirements, or raise `DependencyError`.

    :param runner: runs it somewhere else
    """
    returncode, output = _run(argv, environ, context, runner=runner)
    if returncode:
        short = said(output, returncode) if runner is None else None
        raise DependencyError(
            "The build requirements could not be installed",
            cause=_cause(argv, output, returncode),
            hint=short.hint if short else CHECKS,
        )


def _run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    context: Context,
    *,
    cwd: str | None = None,
    runner: Launcher | None = None,
) -> tuple[int, str]:
    log = Log()
    known = secrets({**context.environ, **environ}, _told(argv, context.environ))
    speaker = Speaker(log, known=known)
    if context.verbosity > 0:
        speaker = Speaker(log, by_lines(lambda line: context.report(CommandOutput(line))), known)
        context.report(CommandStarted(tuple(argv)))
    try:
        returncode = (runner or context.processes).run(argv, env=environ, cwd=cwd, on_output=speaker.write)
    except OSError as error:
        letter = refused(error)
        raise IsolationError(
            f"{argv[0]} cannot be started: {error}", cause=letter.cause if letter.hint else "", hint=letter.hint
        ) from error
    speaker.close()
    return returncode, log.text()


def requirement_files(work: str, requirements: Sequence[str], constraints: Constraints | None) -> list[str]:
    """Write what is to be installed into a file in `work`, and return the options that name it and the constraints."""
    # From a file, because pip ignores environment markers on its command line, and a URL may hold a password.
    path = os.path.join(work, "requirements.txt")
    write(path, "\n".join(requirements) + "\n")
    return ["-r", path, *(["-c", constraints.file(work)] if constraints else [])]


def settings(environ: Mapping[str, str], names: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the named variables, and what configuration files hold, as texts that differ when one of them does."""
    return [*(f"{name}={environ.get(name)}" for name in names), *map(_content, files)]


def uv_files(environ: Mapping[str, str]) -> list[str]:
    """Return the files of settings that uv may read."""
    return [*config_files(environ, "uv", "uv.toml"), environ.get("UV_CONFIG_FILE", "")]


def pip_files(environ: Mapping[str, str]) -> list[str]:
    """Return the files of settings that pip may read."""
    older = [os.path.join(environ.get("HOME", ""), ".pip", "pip.conf"), "/etc/pip.conf"]
    return [*config_files(environ, "pip", "pip.conf"), *older, environ.get("PIP_CONFIG_FILE", "")]


def _told(argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Return what is in the files that may tell an installer credentials."""
    netrc = environ.get("NETRC") or os.path.join(environ.get("HOME", ""), ".netrc")
    named = [path for option, path in itertools.pairwise(argv) if option in ("-r", "-c")]
    return list(map(_content, (*uv_files(environ), *pip_files(environ), netrc, *named)))


def config_files(environ: Mapping[str, str], program: str, name: str) -> list[str]:
    """Return where a program may have configuration files: those of all users, and the user's."""
    return [*shared_config_files(environ, program, name), *own_config_files(environ, program, name)]


def shared_config_files(environ: Mapping[str, str], program: str, name: str) -> list[str]:
    """Return where a program may have configuration files of all users."""
    everyone = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    return _in(["/etc", *everyone, "/Library/Application Support"], program, name)


def own_config_files(environ: Mapping[str, str], program: str, name: str) -> list[str]:
    """Return where a program may have configuration files of the user."""
    user = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", ""), ".config")
    support = os.path.join(environ.get("HOME", ""), "Library", "Application Support")
    return _in([user, support, environ.get("APPDATA", "")], program, name)


def _in(folders: Sequence[str], program: str, name: str) -> list[str]:
    return [os.path.join(folder, program, name) for folder in folders if folder]


def _content(path: str) -> str:
    # Not what can be read only once, as a pipe: the installer wants to read it too.
    if not os.path.isfile(path):
        return ""  # most have none
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    """Write a text file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def without(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return variables without those of the names."""
    return {name: value for name, value in environ.items() if name not in names}


def with_temporary(environ: dict[str, str], work: str) -> dict[str, str]:
    """Return variables that have temporary folders made below `work`."""
    # An installer that is killed leaves its temporary folders: in ours, they go with it.
    folder = os.path.join(work, "tmp")
    os.makedirs(folder, exist_ok=True)
    return {**environ, "TMPDIR": folder, "TEMP": folder, "TMP": folder}


def with_keyring(environ: dict[str, str], variable: str) -> dict[str, str]:
    """Return variables that let an installer ask the keyring program for passwords."""
    # Without a terminal to ask at, only the keyring program can know a password; python -m build does the same.
    if variable not in environ and shutil.which("keyring", path=environ.get("PATH")):
        environ[variable] = "subprocess"
    return environ


def _cause(argv: Sequence[str], output: str, returncode: int) -> str:
    import shlex

    short = said(output)
    known = ending(returncode) if returncode < 0 else short.cause if short else ""
    lines = output.strip().splitlines()[-LETTER_LINES:]
    return "\n".join((*filter(None, [known]), f"> {shlex.join(argv)}", *(f"< {line}" for line in lines)))

"""Find the interpreter that the user means.

The order is promised: the configured path, uv's own interpreters, pyenv's, those on PATH. A name proves nothing:
each candidate is asked what it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headless_wheel_builder.errors import InterpreterError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.targets import PathTarget, VersionTarget, check_age, dotted, parse_target
from headless_wheel_builder.isolation.uv import find_uv
from headless_wheel_builder.values import named_value

if TYPE_CHECKING:
    from pathlib import Path

# An interpreter on a cold network drive is slow; one that asks for input never answers.
PROBE_SECONDS: Final = 10.0

UV_PLACE: Final = "uv's own interpreters (uv python find)"

# A run of many targets needs to know each of them several times, and asking takes as long as a small build's hooks.
_KNOWN: Final[dict[tuple[str, int, int, int, int], Interpreter]] = {}

# Where it was found, and its path.
Candidate: TypeAlias = tuple[str, str]


@named_value
class Interpreter:
    """An interpreter, as it describes itself.

    `scripts`, `purelib` and `platlib` are where an environment made from it has its programs and its packages, with
    `{base}` for the environment's folder; `site_packages` is its own; `ensurepip` is where it may have a pip;
    `build` is its version and how it was built.
    """

    executable: str
    version: tuple[int, ...]
    implementation: str
    free_threaded: bool
    scripts: str
    purelib: str
    platlib: str
    site_packages: str
    ensurepip: str
    build: str

    @property
    def minor_version(self) -> str:
        """The version as environments name it, `3.12`."""
        return dotted(self.version[:2])


@cache
def running_interpreter() -> Interpreter:
    """Return the interpreter that runs this."""
    from headless_wheel_builder.isolation import probe

    return _described(probe.describe(), sys.executable)


def find_interpreter(
    wanted: str | None, context: Context, *, configured: Path | None = None, use_uv: bool = True
) -> Interpreter:
    """Find the interpreter that `wanted` names.

    :param wanted: a version or a path, as `parse_target` reads it; None for the configured or the running one
    :param configured: an interpreter that comes before all others; it has to fit
    :param use_uv: whether uv's own interpreters are looked for
    :raises InterpreterError: none fits, or the named one is missing, broken or too old
    :raises RequestError: `wanted` is neither a version nor a path
    """
    target = None if wanted is None else parse_target(wanted)
    if configured is not None:
        return _configured(configured, target, context)
    if target is None:
        return running_interpreter()
    if isinstance(target, PathTarget):
        return _named(target.path, context)
    return _search(target, context, use_uv=use_uv)


def _configured(path: Path, target: VersionTarget | PathTarget | None, context: Context) -> Interpreter:
    interpreter = _named(os.path.abspath(path), context)
    if isinstance(target, VersionTarget) and not _fits(interpreter, target):
        raise InterpreterError(
            f"The configured interpreter {path} is not {target}",
            cause=f"It says that it is {interpreter.implementation} {dotted(interpreter.version)}.",
            hint="Configure another path, or ask for the version that it has.",
        )
    return interpreter


def _named(path: str, context: Context) -> Interpreter:
    executable = os.path.join(path, "bin", "python") if os.path.isdir(path) else path
    if not os.path.exists(executable):
        raise InterpreterError(
            f"There is no interpreter at {executable}", hint="Check the path, or give a version, as in --python 3.12."
        )
    try:
        interpreter = ask(executable, context)
    except BrokenError as broken:
        raise InterpreterError(
            f"{executable} does not work as a Python interpreter",
            cause=str(broken),
            hint="Run it by hand to see what is wrong, or name another one.",
        ) from None
    check_age(f"{executable} (Python {dotted(interpreter.version)})", interpreter.version)
    return interpreter


def _search(target: VersionTarget, context: Context, *, use_uv: bool) -> Interpreter:
    looked: list[str] = []
    for where, candidate in _candidates(target, context, use_uv=use_uv, looked=looked):
        try:
            interpreter = ask(candidate, context)
        except BrokenError as broken:
            looked.append(f"{where}: {candidate} does not work ({broken})")
            continue
        if _fits(interpreter, target):
            return interpreter
        looked.append(f"{where}: {candidate} is {interpreter.implementation} {dotted(interpreter.version)}")
    raise InterpreterError(
        f"{target} was not found", cause="Looked in this order:\n" + _bullets(looked), hint=_how_to_install(target)
    )


def _candidates(target: VersionTarget, context: Context, *, use_uv: bool, looked: list[str]) -> Iterator[Candidate]:
    for place, source in _PLACES.items():
        if place == UV_PLACE and not use_uv:
            looked.append(f"{place}: not looked for, as uv is not used")
            continue
        before = len(looked)
        for executable in source(target, context, looked):
            yield place, executable
        if len(looked) == before:
            looked.append(f"{place}: nothing")


def _from_uv(target: VersionTarget, context: Context, looked: list[str]) -> Iterator[str]:
    uv = find_uv(context.environ)
    if uv is None:
        looked.append(f"{UV_PLACE}: uv is not installed")
        return
    request = f"{target.implementation}@{dotted(target.version)}{'t' if target.free_threaded else ''}"
    argv = [uv.path, "python", "find", "--managed-python", "--no-python-downloads"]
    argv += ["--no-project", "--no-config", "--system", request]
    # An active virtual environment would be found as well, though uv did not install it.
    environ = {name: value for name, value in context.environ.items() if name not in {"VIRTUAL_ENV", "UV_PYTHON"}}
    answer = context.processes.capture(argv, env=environ, timeout=PROBE_SECONDS)
    if answer.returncode == 0 and (path := answer.stdout.decode(errors="replace").strip()):
        yield path


def _from_pyenv(target: VersionTarget, context: Context, looked: list[str]) -> Iterator[str]:
    versions = _pyenv_folder(context.environ)
    if not os.path.isdir(versions):
        looked.append(f"pyenv: there is no folder {versions}")
    yield from pyenv_interpreters(context.environ, dotted(target.version))


def pyenv_interpreters(environ: Mapping[str, str], wanted: str = "") -> Iterator[str]:
    """Yield pyenv's interpreters, the newest first, before them those whose names have the version that is wanted."""
    folder = _pyenv_folder(environ)
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in sorted(names, key=lambda name: (wanted in name, _numbers(name)), reverse=True):
        executable = os.path.join(folder, name, "bin", "python")
        if os.path.exists(executable):
            yield executable


def _pyenv_folder(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv"), "versions")


def _from_path(target: VersionTarget, context: Context, _looked: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    path = context.environ.get("PATH", os.defpath)
    for name in target.command_names():
        for folder in path.split(os.pathsep):
            executable = shutil.which(name, path=folder) if folder else None
            if executable and executable not in seen:
                seen.add(executable)
                yield executable


_PLACES: Final = {UV_PLACE: _from_uv, "pyenv": _from_pyenv, "PATH": _from_path}


class BrokenError(Exception):
    """What looks like an interpreter is none; the text says why."""


def ask(executable: str, context: Context) -> Interpreter:
    """Ask an interpreter what it is; once, for as long as its file stays as it is.

    :raises BrokenError: it does not say
    """
    try:
        status = os.stat(executable)
    except OSError as error:
        raise BrokenError(error.strerror or str(error)) from None
    key = (executable, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if (known := _KNOWN.get(key)) is not None:
        return known
    found = _asked(executable, context)
    # What a shim starts depends on more than its file.
    if os.path.realpath(found.executable) == os.path.realpath(executable):
        _KNOWN[key] = found
    return found


def _asked(executable: str, context: Context) -> Interpreter:
    argv = [executable, "-E", "-s", "-c", _probe_source()]
    try:
        answer = context.processes.capture(argv, env=context.environ, timeout=PROBE_SECONDS)
    except OSError as error:
        raise BrokenError(error.strerror or str(error)) from None
    if answer.returncode:
        last_line = answer.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise BrokenError(last_line or f"it exited with {answer.returncode}")
    try:
        return _described(json.loads(answer.stdout), executable)
    except (ValueError, KeyError, TypeError):
        raise BrokenError("it did not say what it is") from None


@cache
def _probe_source() -> str:
    import inspect

    from headless_wheel_builder.isolation import probe

    # With -c the current folder is first on sys.path, and a json.py there would be imported.
    return "import sys; sys.path.pop(0)\n" + inspect.getsource(probe)


def _described(facts: Mapping[str, Any], executable: str) -> Interpreter:
    return Interpreter(
        # A pyenv shim or another wrapper says here what it starts.
        executable=facts["executable"] or executable,
        version=tuple(facts["version"]),
        implementation=facts["implementation"],
        free_threaded=facts["free_threaded"],
        scripts=facts["scripts"],
        purelib=facts["purelib"],
        platlib=facts["platlib"],
        site_packages=facts["site_packages"],
        ensurepip=facts["ensurepip"],
        build=facts["build"],
    )


def _fits(interpreter: Interpreter, target: VersionTarget) -> bool:
    return target.matches(interpreter.implementation, interpreter.version, free_threaded=interpreter.free_threaded)


def _how_to_install(target: VersionTarget) -> str:
    version = dotted(target.version) + ("t" if target.free_threaded else "")
    named = version if target.implementation == "cpython" else f"{target.implementation}{version}"
    return f"Install it with `uv python install {named}`, with pyenv, or with the system's package installer."


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", name)))


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

"""All the interpreters of this machine that wheels can be built for, and those that the user names."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.errors import InterpreterError
from headless_wheel_builder.events import Explained, Noticed
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.interpreters import (
    PROBE_SECONDS,
    BrokenError,
    Interpreter,
    ask,
    find_interpreter,
    pyenv_interpreters,
)
from headless_wheel_builder.isolation.target import Missing, Target, these_platforms, this_platform
from headless_wheel_builder.isolation.targets import OLDEST
from headless_wheel_builder.isolation.uv import find_uv

if TYPE_CHECKING:
    from pathlib import Path

ALL: Final = "all"
_IMPLEMENTATIONS: Final = {"python": "cpython", "pypy": "pypy", "graalpy": "graalpy"}
_COMMAND: Final = re.compile(
    r"(?P<name>python|pypy|graalpy)3(?:\.(?P<minor>\d+)(?P<free>t?))?(?:\.exe)?", re.IGNORECASE
)


def find_targets(
    wanted: Sequence[str], context: Context, *, configured: Path | None = None, use_uv: bool = True
) -> list[Target | Missing]:
    """Return the targets of this machine that are meant, each once, in the order in which they were named.

    :param wanted: versions and paths as `--python` takes them, or `all`; nothing for the configured or running one
    :param configured: an interpreter that comes before all others
    :param use_uv: whether uv's own interpreters are looked for
    :raises RequestError: one of them is none of these
    """
    found: dict[str, Target | Missing] = {}
    for text in wanted or (None,):
        if text == ALL:
            targets: Sequence[Target | Missing] = [_target(one) for one in all_interpreters(context, use_uv=use_uv)]
        else:
            targets = [_found(text, context, configured, use_uv=use_uv)]
        for target in targets:
            first = found.setdefault(target.identifier, target)
            # A path may be another interpreter of the same version, and is what the user wants if it comes first.
            if text != ALL and isinstance(first, Target) and first.python != getattr(target, "python", first.python):
                context.report(Noticed(f"{text} is left out: {first.python} is for {target.identifier} already"))
    return list(found.values())


def all_interpreters(context: Context, *, use_uv: bool = True) -> list[Interpreter]:
    """Return one interpreter for each implementation and minor version, from the oldest to the newest.

    They are looked for in the promised order: uv's own, pyenv's, those on PATH, and at last the one that runs this.
    """
    kept: dict[tuple[str, tuple[int, ...], bool], Interpreter] = {}
    seen: set[str] = set()
    for executable in _everywhere(context, use_uv=use_uv):
        real = os.path.realpath(executable)
        # To ask a shim takes as long as a small build.
        if real in seen or _is_known(os.path.basename(executable), kept):
            continue
        seen.add(real)
        try:
            interpreter = ask(executable, context)
        except BrokenError as broken:
            context.report(Explained(f"{executable} does not work as a Python interpreter: {broken}"))
            continue
        if interpreter.version >= OLDEST:
            key = (interpreter.implementation, interpreter.version[:2], interpreter.free_threaded)
            kept.setdefault(key, interpreter)
    return [kept[key] for key in sorted(kept)]


def _is_known(name: str, kept: Collection[tuple[str, tuple[int, ...], bool]]) -> bool:
    """Tell whether a program's name says that it is one of those, or too old."""
    match = _COMMAND.fullmatch(name)
    if match is None or match["minor"] is None:
        return False
    version = (3, int(match["minor"]))
    return version < OLDEST or (_IMPLEMENTATIONS[match["name"].lower()], version, bool(match["free"])) in kept


def _found(text: str | None, context: Context, configured: Path | None, *, use_uv: bool) -> Target | Missing:
    try:
        return _target(find_interpreter(text, context, configured=configured, use_uv=use_uv))
    except InterpreterError as error:
        if text is None:
            raise
        return Missing(text, this_platform(), error)


def _target(interpreter: Interpreter) -> Target:
    return Target(
        python=interpreter.executable,
        implementation=interpreter.implementation,
        version=interpreter.version,
        free_threaded=interpreter.free_threaded,
        where=this_platform(),
        platforms=these_platforms(),
    )


def _everywhere(context: Context, *, use_uv: bool) -> Iterator[str]:
    if use_uv:
        yield from _of_uv(context)
    yield from pyenv_interpreters(context.environ)
    yield from _on_path(context)
    yield sys.executable


def _of_uv(context: Context) -> Iterator[str]:
    uv = find_uv(context.environ)
    if uv is None:
        return
    argv = [uv.path, "python", "list", "--only-installed", "--managed-python", "--no-python-downloads"]
    argv += ["--no-config", "--output-format", "json"]
    # It would ask those on PATH as well, to leave them out; shims among them take as long as a build.
    unwanted = {"VIRTUAL_ENV", "UV_PYTHON"}
    environ = {name: value for name, value in context.environ.items() if name not in unwanted}
    answer = context.processes.capture(argv, env={**environ, "PATH": ""}, timeout=PROBE_SECONDS)
    try:
        listed = json.loads(answer.stdout) if answer.returncode == 0 else []
        known = [(_version(one), str(one["path"])) for one in listed if one.get("path")]
    except (ValueError, KeyError, TypeError, AttributeError):
        context.report(Explained("uv python list did not say which interpreters it has"))
        return
    for _, path in sorted(known, reverse=True):
        yield path


def _version(listed: dict[str, object]) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", str(listed["version"]))))


def _on_path(context: Context) -> Iterator[str]:
    for folder in context.environ.get("PATH", os.defpath).split(os.pathsep):
        try:
            names = sorted(os.listdir(folder)) if folder else []
        except OSError:
            continue
        for name in filter(_COMMAND.fullmatch, names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path

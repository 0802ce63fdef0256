"""What the user writes for an interpreter: `3.12`, `3.13t`, `pypy3.10`, `cp312`, or a path."""

from __future__ import annotations

import os
import re
from typing import Final

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.values import value

OLDEST: Final = (3, 8)

_IMPLEMENTATIONS: Final = {
    "": "cpython",
    "python": "cpython",
    "cpython": "cpython",
    "cp": "cpython",
    "pypy": "pypy",
    "pp": "pypy",
    "graalpy": "graalpy",
    "graalpython": "graalpy",
    "gp": "graalpy",
}
_VERSION: Final = re.compile(r"(?:(?P<name>[a-z]+)-?)?(?P<version>\d+(?:\.\d+){0,2})(?P<free>t?)", re.IGNORECASE)
# Wheel tags write 3.12 without its dot.
_COMPACT: Final = re.compile(r"[23]\d{1,2}")


@value
class VersionTarget:
    """An implementation and a version or the first parts of one."""

    implementation: str
    version: tuple[int, ...]
    free_threaded: bool

    def matches(self, implementation: str, version: tuple[int, ...], *, free_threaded: bool) -> bool:
        """Tell whether an interpreter that says this of itself is meant."""
        return (
            implementation == self.implementation
            and version[: len(self.version)] == self.version
            and free_threaded == self.free_threaded
        )

    def __str__(self) -> str:
        name = {"cpython": "Python ", "pypy": "PyPy ", "graalpy": "GraalPy "}[self.implementation]
        return name + ".".join(map(str, self.version)) + ("t" if self.free_threaded else "")

    def command_names(self) -> tuple[str, ...]:
        """Return the names that such an interpreter may have on PATH, the most exact first."""
        stem = {"cpython": "python", "pypy": "pypy", "graalpy": "graalpy"}[self.implementation]
        free = "t" if self.free_threaded else ""
        major, *minor = self.version[:2]
        names = [f"{stem}{major}.{minor[0]}{free}", f"{stem}{major}{minor[0]}{free}"] if minor else []
        return tuple(dict.fromkeys((*names, f"{stem}{major}{free}", f"{stem}{major}", stem)))


@value
class PathTarget:
    """An interpreter, or the folder of an environment that has one."""

    path: str

    def __str__(self) -> str:
        return self.path


def parse_target(text: str) -> VersionTarget | PathTarget:
    """Read what the user wrote for an interpreter.

    :raises RequestError: it is neither a version nor a path
    :raises InterpreterError: it is a version that is too old
    """
    if os.sep in text or (os.altsep and os.altsep in text) or text.startswith(("~", ".")):
        return PathTarget(os.path.abspath(os.path.expanduser(text)))
    if os.path.isdir(text):
        return PathTarget(os.path.abspath(text))
    match = _VERSION.fullmatch(text.strip())
    implementation = _IMPLEMENTATIONS.get((match["name"] or "").lower()) if match else None
    if match is None or implementation is None:
        raise RequestError(
            f"{text!r} is not an interpreter",
            cause="It has to be a version or a path.",
            hint="Write for example --python 3.12, --python 3.13t, --python pypy3.10 or --python ./venv/bin/python; for"
            " all that are found, --python all.",
        )
    target = VersionTarget(implementation, _numbers(match["version"]), bool(match["free"]))
    check_age(str(target), target.version)
    return target


def check_age(what: str, version: tuple[int, ...]) -> None:
    """Refuse an interpreter that is too old.

    :raises InterpreterError: it is older than `OLDEST`
    """
    if version < OLDEST[: len(version)]:
        raise InterpreterError(
            f"{what} is too old to build with",
            cause=f"The oldest interpreter that build backends and installers still support is {dotted(OLDEST)}.",
            hint=f"Choose {dotted(OLDEST)} or newer.",
        )


def _numbers(text: str) -> tuple[int, ...]:
    if _COMPACT.fullmatch(text):
        return int(text[0]), int(text[1:])
    return tuple(map(int, text.split(".")))


def dotted(version: tuple[int, ...]) -> str:
    """Write a version as users do."""
    return ".".join(map(str, version))

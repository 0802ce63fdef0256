"""Read the environment variables that are settings: `HWB_` and the name of a key."""

from __future__ import annotations

from collections.abc import Mapping

from headless_wheel_builder.configuration.keys import SETTINGS, attribute
from headless_wheel_builder.configuration.names import ELSEWHERE, PREFIX
from headless_wheel_builder.configuration.problems import Problems, nearest
from headless_wheel_builder.configuration.settings import Configuration
from headless_wheel_builder.errors import RequestError


def from_variables(environ: Mapping[str, str]) -> Configuration:
    """Read and check the variables; an empty one counts as not set.

    Lists are separated by commas, and tables are JSON objects.

    :raises RequestError: one of them is none of ours, or has a value that cannot be; all of these are told
    """
    problems = Problems()
    values = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in ELSEWHERE or not environ[name].strip():
            continue
        key = name.removeprefix(PREFIX).lower().replace("_", "-")
        if variable(key) == name and key in SETTINGS:
            kind = SETTINGS[key]
            values[attribute(key)] = kind.read(kind.parse(environ[name]), name, problems)
        else:
            _refuse(name, key, problems)
    if problems.lines:
        raise RequestError(
            f"Environment variables that begin with {PREFIX} cannot be used",
            cause="\n".join(problems.lines),
            hint="Mend or unset them.",
        )
    return Configuration(**values)


def variable(key: str) -> str:
    """Return the variable of a key."""
    return PREFIX + key.upper().replace("-", "_")


def _refuse(name: str, key: str, problems: Problems) -> None:
    known = {one: variable(one) for one in SETTINGS} | {"cache-dir": "HWB_CACHE_DIR"}
    guess = nearest(key, known)
    more = f"did you mean {known[guess]}?" if guess else f"there are {', '.join(known.values())}"
    problems.add(name, f"there is no such setting; {more}")

"""Where settings come from beside the command line.

Most projects have no table, and no variable is set: then nothing is parsed, and nothing is imported for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.configuration.names import ELSEWHERE, PREFIX, TABLE, TOOL
from headless_wheel_builder.core.request import SDIST_SUFFIX, is_file_with
from headless_wheel_builder.errors import ConfigurationError, RequestError
from headless_wheel_builder.sizes import DEFAULT_SIZE

if TYPE_CHECKING:
    from headless_wheel_builder.cli.arguments import Arguments
    from headless_wheel_builder.configuration.settings import Configuration

FILE: Final = "pyproject.toml"


def of_variables(environ: Mapping[str, str]) -> Configuration | None:
    """Return what variables say; None if there are none.

    :raises RequestError: one of them cannot be
    """
    if not any(name.startswith(PREFIX) and name not in ELSEWHERE for name in environ):
        return None
    from headless_wheel_builder.configuration.variables import from_variables

    return from_variables(environ)


def of_sources(arguments: Arguments, size: int | None) -> Configuration | None:
    """Return what the table says that all sources have; None if they have none. An sdist's counts if that is asked for.

    :param size: how many bytes an sdist may unpack to, where variables say it

    :raises ConfigurationError: the table has what it cannot have
    :raises RequestError: the sources have different ones
    :raises ProjectError: a pyproject.toml is no TOML
    :raises SdistError: an sdist cannot be read
    """
    first, *others = (_of_source(source, arguments, size) for source in arguments.srcdirs or [""])
    for source, other in zip(arguments.srcdirs[1:], others, strict=True):
        if other != first:
            raise RequestError(
                f"{arguments.srcdirs[0]} and {source} have different settings",
                cause=f"What [{TABLE}] says holds for all that is built in one run.",
                hint="Build them one after the other.",
            )
    return first


def _of_source(source: str, arguments: Arguments, size: int | None) -> Configuration | None:
    if is_file_with(source, SDIST_SUFFIX):
        most = arguments.max_unpacked_size or size or DEFAULT_SIZE
        return _of_sdist(source, most) if arguments.config_from_sdist else None
    is_named = bool(arguments.srcdirs)
    path = os.path.join(source, FILE)
    from headless_wheel_builder.core.project import LARGEST

    # Whether the source can be read is the build's to say.
    try:
        if is_named and not os.path.isdir(source):
            return None
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError:
        return None
    return _of_file(path, content)


def _of_sdist(source: str, size: int) -> Configuration | None:
    from pathlib import Path

    from headless_wheel_builder.core.sdist import read_file

    content = read_file(Path(source), FILE, size=size)
    found = None if content is None else _of_file(f"{source}: {FILE}", content)
    if found is not None and found.dependency_constraints is not None:
        raise ConfigurationError(
            f"{source}: {TABLE}.dependency-constraints cannot be used",
            cause="It names a file that is inside the source distribution.",
            hint="Unpack the source distribution and build from its folder.",
        )
    return found


def _of_file(path: str, content: bytes) -> Configuration | None:
    if TOOL.encode() not in content:
        return None
    from headless_wheel_builder.configuration.settings import Configuration
    from headless_wheel_builder.configuration.table import read_configuration
    from headless_wheel_builder.core.project import parse_pyproject

    found = read_configuration(parse_pyproject(path, content), path)
    return None if found == Configuration() else found

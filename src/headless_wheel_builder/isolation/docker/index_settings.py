"""The files that say where distributions come from, for installers in containers: of uv, of pip, and .netrc."""

from __future__ import annotations

import configparser
import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member, of_bytes, of_folder, of_tree
from headless_wheel_builder.isolation.installers import config_files, own_config_files, shared_config_files

UV_CONFIG: Final = f"{programs.SCRATCH}/uv.toml"
PIP_CONFIG: Final = f"{programs.SCRATCH}/pip.conf"
NETRC: Final = f"{programs.SCRATCH}/netrc"
LINKS: Final = f"{programs.SCRATCH}/links"
CONSTRAINTS: Final = f"{programs.SCRATCH}/pip-constraints"
# Names files with constraints, as a variable and in a file.
CONSTRAINT: Final = ("PIP_CONSTRAINT", "constraint")
# Of pip's settings, those that mean the same elsewhere: a bundle of certificates goes its own way.
ELSEWHERE: Final = (
    "cert",
    "client-cert",
    "cache-dir",
    "log",
    "target",
    "prefix",
    "user",
    "require-virtualenv",
    "python",
)


def config_members(environ: Mapping[str, str], name: str) -> tuple[dict[str, str], list[Member]]:
    """Return the variables that name an installer's files in a container, and the files.

    :param name: `uv` or `pip`
    """
    if name == "uv":
        own, members = (UV_CONFIG, _uv_config(environ)), list[Member]()
    else:
        parser = _pip_config(environ)
        members = _move_constraints(parser)
        own = PIP_CONFIG, _written(parser)
    found = {f"{name.upper()}_CONFIG_FILE": own, "NETRC": (NETRC, _netrc(environ))}
    there = {variable: (path, content) for variable, (path, content) in found.items() if content}
    # For the container's root alone, whatever the umask was here.
    members += [of_bytes(path, content, 0o600) for path, content in there.values()]
    return {variable: path for variable, (path, _) in there.items()}, members


def constraints(environ: Mapping[str, str]) -> tuple[dict[str, str], list[Member]]:
    """Return the variable that names pip's constraints, and the files, where they are in a container."""
    variable, _ = CONSTRAINT
    if not environ.get(variable):
        return {}, []
    places, members = _moved(environ[variable], "variable")
    return {variable: places}, members


def links(environ: Mapping[str, str], name: str) -> tuple[dict[str, str], list[Member]]:
    """Return the variable that names folders with distributions, and the folders, where they are in a container.

    :param name: `uv` or `pip`
    """
    # A blank is part of a name for uv, and ends one for pip.
    separator = "," if name == "uv" else None
    variable = f"{name.upper()}_FIND_LINKS"
    places: list[str] = []
    members: list[Member] = []
    for count, place in enumerate(filter(None, environ.get(variable, "").split(separator))):
        folder = place.removeprefix("file://")
        if os.path.isdir(folder):
            place = f"{LINKS}/{variable.lower()}-{count}"  # noqa: PLW2901 - what is there instead
            members += [of_folder(LINKS), *of_tree(folder, place, lambda: None)]
        places.append(place)
    return ({variable: (separator or " ").join(places)} if places else {}), members


def _uv_config(environ: Mapping[str, str]) -> bytes:
    if environ.get("UV_NO_CONFIG"):
        return b""
    chosen = environ.get("UV_CONFIG_FILE")
    # The user's before that of all users, as uv has it.
    contents = map(_content, [chosen] if chosen else reversed(config_files(environ, "uv", "uv.toml")))
    return next(filter(None, contents), b"")


def _pip_config(environ: Mapping[str, str]) -> _Parser:
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return _Parser()
    # What comes later counts, as for pip, which does not look at the user's own beside one that is chosen.
    shared = [*shared_config_files(environ, "pip", "pip.conf"), "/etc/pip.conf"]
    if chosen and os.path.exists(chosen):
        return _merged([*shared, chosen])
    older = os.path.join(environ.get("HOME", os.devnull), ".pip", "pip.conf")
    return _merged([*shared, older, *own_config_files(environ, "pip", "pip.conf")])


class _Parser(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Write a setting in the one way that pip knows for all in which it reads it."""
        return optionstr.lower().replace("_", "-").removeprefix("--")


def _merged(paths: Sequence[str]) -> _Parser:
    parser = _Parser()
    for path in paths:
        try:
            parser.read_string(_content(path).decode("utf-8", "replace"))
        except configparser.Error:
            continue  # pip itself says what is wrong with it, wherever it is used here
    for section in parser.sections():
        for name in ELSEWHERE:
            parser.remove_option(section, name)
    return parser


def _move_constraints(parser: _Parser) -> list[Member]:
    members: list[Member] = []
    _, option = CONSTRAINT
    for count, section in enumerate(parser.sections()):
        if parser.has_option(section, option):
            places, files = _moved(parser.get(section, option), f"section-{count}")
            parser.set(section, option, places)
            members += files
    return members


def _moved(paths: str, owner: str) -> tuple[str, list[Member]]:
    """Return where files of constraints are in a container, and those; what cannot be read is left to pip to refuse."""
    members: list[Member] = []
    places = paths.split()
    for count, path in enumerate(places):
        with contextlib.suppress(RequestError):
            text = Constraints(path.removeprefix("file://")).everything()
            places[count] = f"{CONSTRAINTS}-{owner}-{count}.txt"
            members.append(of_bytes(places[count], text.encode(), 0o600))
    return " ".join(places), members


def _written(parser: _Parser) -> bytes:
    text = io.StringIO()
    parser.write(text)
    return text.getvalue().strip().encode()


def _netrc(environ: Mapping[str, str]) -> bytes:
    return _content(environ.get("NETRC") or os.path.join(environ.get("HOME", os.devnull), ".netrc"))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""  # most have none

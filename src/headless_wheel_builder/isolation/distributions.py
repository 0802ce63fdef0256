"""Read which distributions a site-packages folder has, without importing anything from it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from headless_wheel_builder.shortage import is_shortage

# The name that a requirement (PEP 508) begins with.
_NAME: Final = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")


def installed_versions(folders: Iterable[str]) -> dict[str, str]:
    """Return the version of each distribution in folders, by canonical name, sorted."""
    return {one.name: one.version for one in _distributions(folders)}


def direct_versions(installed: Mapping[str, str], requirements: Iterable[str]) -> dict[str, str]:
    """Return, of what `installed_versions` found, the distributions that the requirements name."""
    wanted = required_names(requirements)
    return {name: version for name, version in installed.items() if name in wanted}


def required_names(requirements: Iterable[str]) -> set[str]:
    """Return the canonical names of the distributions that requirements (PEP 508) name."""
    return {_required(requirement) for requirement in requirements}


def canonical(name: str) -> str:
    """Return the one way to write a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def import_names(folders: Iterable[str], module: str) -> list[str]:
    """Return the top-level modules of the distribution that has a module, and of all that it requires.

    :param folders: site-packages folders
    :param module: the full name of the module
    """
    there = {one.name: one for one in _distributions(folders)}
    top = module.partition(".")[0]
    pending = [one.name for one in there.values() if top in one.top_levels()]
    found: dict[str, list[str]] = {}
    while pending:
        name = pending.pop()
        if name in there and name not in found:
            found[name] = there[name].top_levels()
            pending += there[name].requires
    return sorted({name for names in found.values() for name in names})


class _Distribution:
    def __init__(self, folder: str, headers: list[tuple[str, str]]) -> None:
        self._folder = folder
        first = dict(reversed(headers))
        self.name = _required(first["name"])
        self.version = first["version"]
        self.requires = [_required(value) for key, value in headers if key == "requires-dist"]

    def top_levels(self) -> list[str]:
        # RECORD is a table whose first column ends at a comma, or is quoted when it has one: no module's name does.
        with contextlib.suppress(OSError), open(os.path.join(self._folder, "RECORD"), encoding="utf-8") as file:
            parts = {line.partition(",")[0].partition("/")[0] for line in file}
            return sorted({part.partition(".")[0] for part in parts if _is_importable(part)})
        return []


def _required(requirement: str) -> str:
    match = _NAME.match(requirement)
    return canonical(match[1]) if match else ""


def _is_importable(part: str) -> bool:
    name, _, suffix = part.partition(".")
    is_name = name.isidentifier() and name != "__pycache__"
    return is_name and (not suffix or suffix == "py" or suffix.endswith(("so", "pyd")))


def _distributions(folders: Iterable[str]) -> list[_Distribution]:
    found = (folder for site_packages in folders for folder in _folders(site_packages))
    read = ((folder, _headers(folder)) for folder in found)
    distributions = [_Distribution(folder, headers) for folder, headers in read if _is_complete(headers)]
    return sorted(distributions, key=lambda one: one.name)


def _folders(site_packages: str) -> list[str]:
    try:
        names = os.listdir(site_packages)
    except FileNotFoundError:
        return []  # an environment without packages need not have the folder
    return [os.path.join(site_packages, name) for name in names if name.endswith(".dist-info")]


def _is_complete(headers: list[tuple[str, str]]) -> bool:
    return {"name", "version"} <= {key for key, _ in headers}


def _headers(folder: str) -> list[tuple[str, str]]:
    try:
        with open(os.path.join(folder, "METADATA"), encoding="utf-8", errors="replace") as file:
            return list(_header_lines(file))
    except OSError as error:
        if is_shortage(error):
            raise  # it would be as if the distribution were not there
        return []


def _header_lines(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if not line.strip():
            return
        key, colon, value = line.partition(":")
        if colon and key.lower() in {"name", "version", "requires-dist"}:
            yield key.lower(), value.strip()

"""Read which distributions a site-packages folder has, without importing anything from it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_versions(site_packages: str) -> dict[str, str]:
    """Return the version of each distribution in a folder, by canonical name, sorted."""
    try:
        names = os.listdir(site_packages)
    except FileNotFoundError:
        return {}  # an environment without packages need not have the folder
    folders = (os.path.join(site_packages, name) for name in names if name.endswith(".dist-info"))
    found = filter(None, map(_headers, folders))
    return dict(sorted((canonicalize_name(headers["name"]), headers["version"]) for headers in found))


def direct_versions(installed: Mapping[str, str], requirements: Iterable[str]) -> dict[str, str]:
    """Return, of what `installed_versions` found, the distributions that the requirements name."""
    wanted = {canonicalize_name(Requirement(requirement).name) for requirement in requirements}
    return {name: version for name, version in installed.items() if name in wanted}


def _headers(folder: str) -> dict[str, str] | None:
    try:
        with open(os.path.join(folder, "METADATA"), encoding="utf-8", errors="replace") as file:
            headers = dict(_header_lines(file))
    except OSError:
        return None
    return headers if "name" in headers and "version" in headers else None


def _header_lines(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if not line.strip():
            return
        key, colon, value = line.partition(":")
        if colon and key.lower() in {"name", "version"}:
            yield key.lower(), value.strip()

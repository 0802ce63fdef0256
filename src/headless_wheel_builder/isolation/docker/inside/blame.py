"""Find out which files of a wheel auditwheel does not take, and why: `findings`.

{"fits": policy or null,                              that the wheel would fit as it is
 "symbols": [[file, library, version, [symbol, ...]], ...],    too recent for the policy
 "missing": {library: [file, ...]},                   which the image does not have, and what needs it
 "forbidden": [[file, library, [symbol, ...]], ...]}  symbols that the policy does not allow
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import tempfile
import zipfile

from headless_wheel_builder.isolation.docker.inside import contents, elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# 'This constrains the platform tag to "manylinux_2_36_x86_64".', over two lines.
FITS = re.compile(r'constrains\s+the\s+platform\s+tag\s+to\s+"(?!linux_)(\w+)"')
# As JSON, with the paths, from all versions.
LIBRARIES = re.compile(r"libraries\s+are\s+required\s+by\s+the\s+wheel:\s*(\{.*?\})", re.DOTALL)
# Of a repair that failed: the first of these alone.
LIBRARY = re.compile(r'required library "([^"]+)" could not be located')
# Only from versions since 6.2.
RECENT = re.compile(r"Package requires (\S+), incompatible with policy (\S+)")
FORBIDDEN = re.compile(r"^From (\S+): (.+(?:\n[^\n]+)*)", re.MULTILINE)
GNU = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
GLIBC = "GLIBC_"
ALIASES = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}


def findings(wheel: str, plat: str | None, exclude: list[str], printed: str) -> dict[str, Any]:
    """Return what there is to say of a wheel.

    :param exclude: patterns of libraries that are not to be there
    :param printed: by the repair that failed and by `auditwheel -v show`, which may have failed too
    """
    listed = LIBRARIES.search(printed)
    libraries: dict[str, str | None] = dict.fromkeys(LIBRARY.findall(printed))
    libraries.update(json.loads(listed[1]) if listed else {})
    missing = [name for name, path in libraries.items() if path is None and not excluded(name, exclude)]
    forbidden = {library: set(re.split(r"[\s,]+", symbols)) for library, symbols in FORBIDDEN.findall(printed)}
    files = dict(_all_needs(wheel, [path for path in libraries.values() if path]))
    policy = canonical(plat or "")
    recent = too_recent({version for needs in files.values() for _, version in needs.versions}, policy, printed)
    return {
        "fits": fitting(recent, policy, printed),
        "symbols": [
            [name, library, version, sorted(symbols)]
            for name, needs in files.items()
            for (library, version), symbols in needs.versions.items()
            if version in recent
        ],
        "missing": {one: [name for name, needs in files.items() if one in needs.libraries] for one in missing},
        "forbidden": [
            [name, library, sorted(symbols.intersection(needs.symbols))]
            for library, symbols in forbidden.items()
            for name, needs in files.items()
            if library in needs.libraries and symbols.intersection(needs.symbols)
        ],
    }


def excluded(name: str, patterns: list[str]) -> bool:
    """Tell whether a library is one of those that are not to be there."""
    return name.startswith("libpython") or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def too_recent(versions: set[str], policy: str, printed: str) -> set[str]:
    """Return which versions of symbols a policy does not have, as far as can be told."""
    said = {version for version, name in RECENT.findall(printed) if name == policy}
    limit = GNU.match(policy)
    if said or not limit:
        return said
    return {one for one in versions if one.startswith(GLIBC) and _number(one) > (int(limit[1]), int(limit[2]))}


def fitting(versions: set[str], policy: str, printed: str) -> str | None:
    """Return the policy that has versions of symbols, as far as can be told."""
    found, wanted = FITS.search(printed), GNU.match(policy)
    if found:
        return found[1]
    # Those that are newer than auditwheel, it does not know; they have the number of their libc.
    if not wanted or not versions or not all(one.startswith(GLIBC) for one in versions):
        return None
    return "_".join(("manylinux", *map(str, max(map(_number, versions))), wanted[3]))


def canonical(plat: str) -> str:
    """Return a policy by the name that has its libc's version."""
    base, _, architecture = plat.partition("_")
    return f"{ALIASES[base]}_{architecture}" if base in ALIASES else plat


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _all_needs(wheel: str, libraries: list[str]) -> Iterator[tuple[str, elf.Needs]]:
    names = contents.elf_files(wheel)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        path = os.path.join(folder, "file")
        for name in names:
            contents.extract(archive, archive.getinfo(name), path)
            yield name, elf.needs(path)
    for library in libraries:
        yield library, elf.needs(library)

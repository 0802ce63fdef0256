"""Check that a wheel is what installers and indexes accept (PEP 427)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headless_wheel_builder.core.archive_names import parts, shown
from headless_wheel_builder.core.identity import Identity, read_headers, read_identity, stands_for
from headless_wheel_builder.core.names import (
    MAX_TAGS,
    WheelName,
    expanded,
    normal_stem,
    same_name,
    same_version,
    wheel_name,
)
from headless_wheel_builder.core.reading import METADATA_LIMIT, Checkpoint, never
from headless_wheel_builder.core.record import NAMES_SHOWN, check_record
from headless_wheel_builder.core.wheel_archive import WheelArchive, opened, refusal
from headless_wheel_builder.values import value

SUFFIX: Final = ".dist-info"
REQUIRED: Final = ("METADATA", "WHEEL", "RECORD")
SUPPORTED_MAJOR: Final = 1
VERSION_LIMIT: Final = 20


@value
class WheelFacts:
    """What a wheel says about itself.

    :param name: the project, as in METADATA
    :param version: as in METADATA
    :param tags: the tags of its file name, expanded and sorted: `py3-none-any`
    :param warnings: what is accepted but should be mended
    """

    name: str
    version: str
    tags: tuple[str, ...]
    warnings: tuple[str, ...]


def check_wheel(path: Path, checkpoint: Checkpoint = never) -> WheelFacts:
    """Check a wheel without extracting it, in little memory.

    :raises ArtifactError: an installer or an index would refuse it
    """
    stated = _read_file_name(path)
    with opened(path, checkpoint) as archive:
        dist_info = _find_dist_info(archive, stated)
        identity = _check_metadata(archive, dist_info, stated)
        tags = _check_wheel_file(archive, dist_info)
        unhashed = check_record(archive, dist_info)
    warnings = [*_warnings(path, dist_info, stated, tags)]
    if unhashed:
        warnings.append(f"{path.name}: its RECORD has no hash for {', '.join(map(shown, unhashed[:NAMES_SHOWN]))}")
    return WheelFacts(identity.name, identity.version, tuple(sorted(stated.tags)), tuple(warnings))


def _read_file_name(path: Path) -> WheelName:
    if not path.name.isprintable():
        raise refusal(path, "has characters in its name that cannot be printed")
    try:
        return wheel_name(path.name)
    except ValueError as error:
        raise refusal(path, "is not named as a wheel must be (PEP 427)", str(error)) from error


def _find_dist_info(archive: WheelArchive, stated: WheelName) -> str:
    top_levels = {parts(name)[0] for name in archive.names if "/" in name}
    folders = sorted(top for top in top_levels if top.endswith(SUFFIX))
    if len(folders) != 1:
        found = ", ".join(map(shown, folders[:NAMES_SHOWN])) or "none"
        raise refusal(archive.path, "must have exactly one .dist-info folder", f"It has: {found}")
    folder = folders[0]
    if not stands_for(folder.removesuffix(SUFFIX), Identity(stated.name, stated.version)):
        what = "has the .dist-info folder of another project or version"
        raise refusal(archive.path, what, f"It is {shown(folder)}.")
    if missing := [name for name in REQUIRED if f"{folder}/{name}" not in archive.names]:
        raise refusal(archive.path, f"has no {' and no '.join(missing)} in {shown(folder)}")
    return folder


def _check_metadata(archive: WheelArchive, dist_info: str, stated: WheelName) -> Identity:
    try:
        identity = read_identity(archive.read(f"{dist_info}/METADATA", METADATA_LIMIT))
    except ValueError as error:
        raise refusal(archive.path, "has METADATA that cannot be used", str(error)) from error
    if not (same_name(identity.name, stated.name) and same_version(identity.version, stated.version)):
        what = "has the METADATA of another project or version"
        raise refusal(archive.path, what, f"It is for {shown(identity.name)} {shown(identity.version)}.")
    return identity


def _check_wheel_file(archive: WheelArchive, dist_info: str) -> list[str]:
    content = archive.read(f"{dist_info}/WHEEL", METADATA_LIMIT)
    try:
        headers = read_headers(content)
        version = " ".join(headers.get("wheel-version", []))
        major, minor = map(int, version[:VERSION_LIMIT].split("."))
    except ValueError:
        what = "has no readable Wheel-Version in WHEEL"
        raise refusal(archive.path, what, "Expected: 1.0") from None
    if major != SUPPORTED_MAJOR:
        cause = f"Installers understand Wheel-Version {SUPPORTED_MAJOR}.x"
        raise refusal(archive.path, f"has the unsupported Wheel-Version {major}.{minor}", cause)
    return headers.get("tag", [])


def _warnings(path: Path, dist_info: str, stated: WheelName, tags: list[str]) -> Iterator[str]:
    normal = normal_stem(stated.name, stated.version)
    if not path.name.startswith(f"{normal}-"):
        yield f"the file name of {path.name} is not normalised (PEP 427): it should start with {normal}-"
    if dist_info != normal + SUFFIX:
        yield f"{path.name}: the folder {dist_info} is not normalised: it should be {normal}{SUFFIX}"
    if _expanded(tags) != stated.tags:
        found = ", ".join(sorted(tags)[:NAMES_SHOWN])
        yield f"{path.name}: the tags in its WHEEL file are not those of its file name: {found}"


def _expanded(tags: list[str]) -> frozenset[str]:
    found: set[str] = set()
    try:
        for tag in tags:
            found |= expanded(tag)
            if len(found) > MAX_TAGS:
                break
    except ValueError:
        return frozenset(tags)
    return frozenset(found)

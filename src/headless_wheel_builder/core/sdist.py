"""Check a source distribution, and unpack it so that nothing is written outside its folder (PEP 625, PEP 721)."""

from __future__ import annotations

import errno
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headless_wheel_builder.core import tarball
from headless_wheel_builder.core.archive_names import parts, shown
from headless_wheel_builder.core.identity import Identity, read_headers, read_identity, stands_for
from headless_wheel_builder.core.names import is_version, normal_stem, sdist_version
from headless_wheel_builder.core.reading import METADATA_LIMIT, Checkpoint, never
from headless_wheel_builder.core.sdist_members import MemberRules
from headless_wheel_builder.core.tarball import HINT, Tarball
from headless_wheel_builder.errors import OutputError, SdistError
from headless_wheel_builder.shortage import refused
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.values import value

SUFFIX: Final = ".tar.gz"
# The first releases with the data filter refused links that are fine (https://github.com/python/cpython/issues/107845).
HAS_DATA_FILTER: Final = hasattr(tarfile, "data_filter") and not (
    (3, 10) <= sys.version_info < (3, 10, 13) or (3, 11) <= sys.version_info < (3, 11, 5)
)
NO_PLACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})


@value
class SdistFacts:
    """What a source distribution says about itself.

    :param name: the project, as in PKG-INFO
    :param version: as in PKG-INFO
    :param top_level: the name of the folder that everything is in
    :param warnings: what is accepted but should be mended
    :param requires_python: as in PKG-INFO; empty if it does not say
    """

    name: str
    version: str
    top_level: str
    warnings: tuple[str, ...]
    requires_python: str = ""


def check_sdist(path: Path, checkpoint: Checkpoint = never, size: int = DEFAULT_SIZE) -> SdistFacts:
    """Check a source distribution without unpacking it, in little memory.

    :param size: how many bytes it may unpack to

    :raises SdistError: it is none, is damaged, is another project's than its name says, or is hostile
    """
    stated = _read_file_name(path)
    with tarball.opened(path, size, checkpoint) as sdist:
        rules = MemberRules(path)
        pkg_infos: list[bytes] = []
        for member in sdist.members():
            if rules.admit(member):
                pkg_infos = [*pkg_infos[:1], _read(sdist, member)]
        top_level = rules.finish(checkpoint)
    # Of several, the last is what unpacking leaves.
    identity = _check_identity(path, pkg_infos[-1], top_level)
    warnings = [*_warnings(path, stated, top_level, identity)]
    if any(not _agrees(pkg_info, identity) for pkg_info in pkg_infos):
        warnings.append(f"{path.name}: it has PKG-INFO more than once, and they differ; the last one counts")
    requires_python = read_headers(pkg_infos[-1]).get("requires-python", [""])[-1]
    return SdistFacts(identity.name, identity.version, top_level, tuple(warnings), requires_python)


def read_file(path: Path, name: str, checkpoint: Checkpoint = never, size: int = DEFAULT_SIZE) -> bytes | None:
    """Return what a file in the top-level folder of a source distribution holds; None if there is none.

    :param size: how many bytes it may unpack to

    :raises SdistError: it is no source distribution, is damaged or is hostile
    """
    rules = MemberRules(path)
    content = None
    with tarball.opened(path, size, checkpoint) as sdist:
        for member in sdist.members():
            rules.admit(member)
            # Of several, the last is what unpacking leaves.
            if parts(member.name)[1:] == (name,):
                content = _read_plain(sdist, member)
        rules.finish(checkpoint)
    return content


def unpack_sdist(path: Path, into: Path, checkpoint: Checkpoint = never, size: int = DEFAULT_SIZE) -> Path:
    """Unpack a source distribution into an existing folder that holds nothing else, and return its top-level folder.

    Members are checked as by `check_sdist`, and none is written before it was; names and versions are not compared.
    After an error, `into` may hold a part of the members.

    :param size: how many bytes it may unpack to

    :raises SdistError: it is none, is damaged or is hostile
    :raises OutputError: there is no place for it in `into`
    """
    rules = MemberRules(path)
    with tarball.opened(path, size, checkpoint) as sdist:
        try:
            _extract_all(sdist, rules, into)
        except OSError as error:
            if error.errno not in NO_PLACE:
                raise
            hint = refused(error).hint or "Choose a folder that you may write to."
            raise OutputError(f"cannot unpack {path} into {into}", cause=str(error), hint=hint) from error
        return into / rules.finish(checkpoint)


def _extract_all(sdist: Tarball, rules: MemberRules, into: Path) -> None:
    if HAS_DATA_FILTER:
        sdist.tar.extractall(into, members=_admitted(sdist, rules, into), filter="data")
        return
    tame = map(_tamed, _admitted(sdist, rules, into))
    sdist.tar.extractall(into, members=tame)  # noqa: S202 - the rules admitted each member


def _admitted(sdist: Tarball, rules: MemberRules, into: Path) -> Iterator[tarfile.TarInfo]:
    for member in sdist.members():
        rules.admit(member)
        # tarfile would read on to the end in search of the target, and lose what is between.
        if member.islnk() and not (into / member.linkname).is_file():
            cause = f"{shown(member.name)} is a hard link to {shown(member.linkname)}, which does not come before it."
            raise SdistError(f"source distribution {sdist.path} has a broken link", cause=cause, hint=HINT)
        yield member


def _tamed(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Change a member's permissions as the data filter does, which this Python lacks."""
    if member.isdir():
        member.mode = 0o755
    else:
        executable = 0o755 if member.mode & 0o100 else 0o644
        member.mode = member.mode & executable | 0o600
    return member


def _read_plain(sdist: Tarball, member: tarfile.TarInfo) -> bytes:
    if not member.isfile():
        cause = f"{shown(member.name)} is no plain file."
        raise SdistError(f"source distribution {sdist.path} has a file that cannot be used", cause=cause, hint=HINT)
    return _read(sdist, member)


def _read(sdist: Tarball, member: tarfile.TarInfo) -> bytes:
    if member.size > METADATA_LIMIT:
        cause = f"{shown(member.name)} is larger than {METADATA_LIMIT} bytes."
        name = member.name.rpartition("/")[2]
        raise SdistError(f"source distribution {sdist.path} has {name} that cannot be used", cause=cause, hint=HINT)
    stream = sdist.tar.extractfile(member)
    return stream.read() if stream else b""


def _read_file_name(path: Path) -> str:
    if not path.name.isprintable():
        message = f"source distribution {path.name!r} has characters in its name that cannot be printed"
        raise SdistError(message, hint="Rename it to <name>-<version>.tar.gz.")
    try:
        return sdist_version(path.name)
    except ValueError as error:
        message = f"{path.name!r} does not look like a source distribution: {error}"
        raise SdistError(message, cause="PEP 625 wants <name>-<version>.tar.gz.", hint=HINT) from error


def _check_identity(path: Path, pkg_info: bytes, top_level: str) -> Identity:
    try:
        identity = read_identity(pkg_info)
    except ValueError as error:
        message = f"source distribution {path} has PKG-INFO that cannot be used"
        raise SdistError(message, cause=str(error), hint=HINT) from error
    if not stands_for(path.name.removesuffix(SUFFIX), identity):
        raise _another(path, identity, "its file name is another's")
    if _names_a_version(top_level) and not stands_for(top_level, identity):
        raise _another(path, identity, f"its top-level folder is {shown(top_level)}")
    return identity


def _agrees(pkg_info: bytes, identity: Identity) -> bool:
    # hatchling, meson-python and others write a second PKG-INFO when they build from an unpacked sdist.
    try:
        return read_identity(pkg_info) == identity
    except ValueError:
        return False


def _another(path: Path, identity: Identity, but: str) -> SdistError:
    cause = f"Its PKG-INFO says {shown(identity.name)} {shown(identity.version)}, but {but}."
    return SdistError(f"source distribution {path} is of two projects or versions at once", cause=cause, hint=HINT)


def _names_a_version(folder: str) -> bool:
    _, dash, version = folder.rpartition("-")
    return bool(dash) and is_version(version)


def _warnings(path: Path, version: str, top_level: str, identity: Identity) -> Iterator[str]:
    stem = path.name.removesuffix(SUFFIX)
    normal = normal_stem(stem.rpartition("-")[0], version)
    if stem != normal:
        yield f"the file name of {path.name} is not normalised (PEP 625): it should be {normal}{SUFFIX}"
    if top_level != stem:
        yield f"{path.name}: the top-level folder should be {stem}, and is {top_level}"
    if not is_version(identity.version):
        yield f"{path.name}: the version in PKG-INFO is not one (PEP 440): {shown(identity.version)}"

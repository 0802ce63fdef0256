"""The rules for the members of a source distribution, applied to one after the other."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Final

from headless_wheel_builder.core.archive_names import fault, is_absolute, malformed, parts, shown
from headless_wheel_builder.core.links import Branch, Parts
from headless_wheel_builder.core.reading import Checkpoint
from headless_wheel_builder.core.tarball import HINT
from headless_wheel_builder.errors import SdistError

# Both must be remembered until the end, so a hostile archive must not have any number of them.
MAX_LINKS: Final = 10_000
MAX_TOP_LEVELS: Final = 100


class MemberRules:
    """What was seen of the members of one source distribution, and what must not come next.

    :param path: the source distribution, for messages
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._top_levels: set[str] = set()
        self._pkg_infos: set[str] = set()
        self._symlinks: dict[Parts, str] = {}
        self._tree = Branch()

    def admit(self, member: tarfile.TarInfo) -> bool:
        """Take notice of the next member, and say whether it is PKG-INFO of the top-level folder.

        :raises SdistError: it must not be in a source distribution
        """
        if reason := fault(member.name) or _fault_of_kind(member):
            raise self._refusal(member, reason)
        self._admit_path(member)
        if member.issym() or member.islnk():
            self._admit_link(member)
        self._admit_top_level(member)
        return self._is_pkg_info(member)

    def finish(self, checkpoint: Checkpoint) -> str:
        """Return the name of the top-level folder, when all members were admitted.

        :raises SdistError: there is not exactly one, it has no PKG-INFO, or a symbolic link leaves it
        """
        if len(self._top_levels) != 1:
            raise self._several()
        (top,) = self._top_levels
        if f"{top}/PKG-INFO" not in self._pkg_infos:
            message = (
                f"source distribution {self._path} does not contain {top}/PKG-INFO; "
                "this does not appear to be a valid source distribution"
            )
            raise SdistError(message, cause="Archives of a repository, as GitHub makes them, have none.", hint=HINT)
        if top == ".":
            raise self._unusable("has no top-level folder", "All its members are named './...'.")
        self._check_symlinks(checkpoint)
        return top

    def _admit_path(self, member: tarfile.TarInfo) -> None:
        if self._tree.has_link(parts(member.name)):
            raise self._refusal(member, "goes through a symbolic link")

    def _admit_link(self, member: tarfile.TarInfo) -> None:
        path, target = parts(member.name), parts(member.linkname)
        if len(path) == 1:
            raise self._refusal(member, "is a link in the place of the top-level folder")
        if is_absolute(member.linkname):
            raise self._refusal(member, f"is a link to an absolute name, {shown(member.linkname)}")
        if member.issym():
            self._remember_symlink(member)
            return
        # Unlike those of symbolic links, the targets of hard links are members' names.
        if reason := fault(member.linkname):
            raise self._refusal(member, f"is a link to {shown(member.linkname)}, which {reason}")
        if target[:1] != path[:1] or self._tree.has_link(target):
            raise self._refusal(member, f"is a hard link out of its folder, to {shown(member.linkname)}")

    def _remember_symlink(self, member: tarfile.TarInfo) -> None:
        if len(self._symlinks) >= MAX_LINKS:
            raise self._unusable(f"has more than {MAX_LINKS} symbolic links")
        if reason := malformed(member.linkname):
            raise self._refusal(member, f"is a link to what {reason}")
        path = parts(member.name)
        self._symlinks[path] = member.linkname
        self._tree.add(path, member.linkname)
        self._check_symlink(path, member.linkname)

    def _admit_top_level(self, member: tarfile.TarInfo) -> None:
        # By the name as it stands, so that './' is a top level of its own, as for `python -m build`.
        if top := member.name.split("/", 1)[0]:
            self._top_levels.add(top)
        if len(self._top_levels) > MAX_TOP_LEVELS:
            raise self._several()

    def _is_pkg_info(self, member: tarfile.TarInfo) -> bool:
        path = parts(member.name)
        if path[1:] != ("PKG-INFO",) and member.name != "./PKG-INFO":
            return False
        if member.isfile():
            self._pkg_infos.add(member.name)
        return member.isfile()

    def _check_symlinks(self, checkpoint: Checkpoint) -> None:
        # Again: a link that came later can turn an earlier one outwards.
        for path, target in self._symlinks.items():
            checkpoint()
            self._check_symlink(path, target)

    def _check_symlink(self, path: Parts, target: str) -> None:
        if self._tree.leaves(path[:-1], target):
            cause = f"{shown('/'.join(path))} is a symbolic link to {shown(target)}."
            raise self._unusable("has a link out of its folder", cause)

    def _several(self) -> SdistError:
        message = (
            f"source distribution {self._path} must contain a single top-level directory, "
            f"got: {sorted(self._top_levels)}"
        )
        return SdistError(message, cause="PEP 517 wants all members in one folder, <name>-<version>.", hint=HINT)

    def _refusal(self, member: tarfile.TarInfo, reason: str) -> SdistError:
        return self._unusable("has an unusable member", f"{shown(member.name)} {reason}.")

    def _unusable(self, what: str, cause: str = "") -> SdistError:
        return SdistError(f"source distribution {self._path} {what}", cause=cause, hint=HINT)


def _fault_of_kind(member: tarfile.TarInfo) -> str:
    if member.isfile() or member.isdir() or member.issym() or member.islnk():
        return ""
    return "is neither a file nor a folder nor a link"

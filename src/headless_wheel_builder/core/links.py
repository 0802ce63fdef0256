"""Symbolic links of an archive that is not unpacked yet: where they will lead."""

from __future__ import annotations

from typing import Final, TypeAlias

from headless_wheel_builder.core.archive_names import parts

# As Linux does, before it calls a chain of links a loop.
MAX_HOPS: Final = 40

Parts: TypeAlias = tuple[str, ...]


class Branch:
    """A folder with links somewhere below it, or a link itself.

    A tree rather than a set of paths: each step of a walk costs the same, however deep it is.
    """

    def __init__(self) -> None:
        self.target: str | None = None
        self._below: dict[str, Branch] = {}

    def add(self, path: Parts, target: str) -> None:
        """Take notice of a link below this folder."""
        branch = self
        for part in path:
            branch = branch._below.setdefault(part, Branch())
        branch.target = target

    def has_link(self, path: Parts) -> bool:
        """Tell whether a path below this folder is a link, or goes through one."""
        branch: Branch | None = self
        for part in path:
            branch = branch.below(part) if branch else None
            if branch is None or branch.target is not None:
                return branch is not None
        return False

    def leaves(self, folder: Parts, target: str) -> bool:
        """Tell whether a link in a folder leads out of the top level; followed as the system does it."""
        here: list[Branch | None] = [self]
        ahead, hops = [*reversed(parts(target)), *reversed(folder)], 0
        while ahead and hops <= MAX_HOPS:
            part, last = ahead.pop(), here[-1]
            if part == "..":
                here.pop()
            else:
                here.append(last.below(part) if last else None)
            if len(here) <= 1:
                return True
            if (link := here[-1]) is not None and link.target is not None:
                here.pop()
                ahead.extend(reversed(parts(link.target)))
                hops += 1
        return False

    def below(self, part: str) -> Branch | None:
        """Return what is in this folder under a name, if there are links."""
        return self._below.get(part)

"""What is wrong after a build that was ended."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal, TypeAlias

# `daemon`: what the backend has started and left; `process`: any other. `partial`: some of its artifacts, not all.
Kind: TypeAlias = Literal[
    "process", "daemon", "folder", "artifact", "partial", "gone", "engine", "exit code", "hang", "failure"
]


# What an engine says of a container that nothing ever ran in.
NOT_STARTED: Final = "'Status': 'created'"


@dataclasses.dataclass(frozen=True)
class Flaw:
    """One thing that should not be so.

    :param is_of_next: whether it was so after the build that came next, which nobody ended
    """

    kind: Kind
    what: str
    is_of_next: bool = False

    def __str__(self) -> str:
        return f"{'after the next build: ' if self.is_of_next else ''}{self.kind}: {self.what}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one build that was ended.

    :param is_complete: whether it was complete before it could be ended
    :param found: all that was wrong
    :param may_leave: whether folders, and containers that were not started, may be there until the next build
    :param seconds: from the end that it was given to its own
    """

    build: str
    ending: str
    is_complete: bool
    found: tuple[Flaw, ...]
    seconds: float
    may_leave: bool = False
    output: str = ""

    @property
    def residue(self) -> tuple[Flaw, ...]:
        """What was wrong and may not be so."""
        return tuple(one for one in self.found if not self._is_allowed(one))

    def _is_allowed(self, flaw: Flaw) -> bool:
        is_inert = flaw.kind == "folder" or (flaw.kind == "engine" and NOT_STARTED in flaw.what)
        return self.may_leave and is_inert and not flaw.is_of_next

"""A wheel that is not repaired, and what there is to say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.values import value

# How many of many are named.
NAMED: Final = 5
# Of the last line of a traceback, like `ValueError: Cannot repair wheel, because ...`, and what follows it.
RAISED: Final = re.compile(r"^Traceback .*^(?:\w+\.)*\w+: (.+)", re.MULTILINE | re.DOTALL)
# Of a line like `auditwheel: error: cannot repair ...`.
REFUSED: Final = re.compile(r"^\S+: error: (.+)", re.MULTILINE | re.DOTALL)


@value
class Refusal:
    """A wheel that is not repaired.

    :param answer: what `inside/repair.py` says
    :param plat: the policy that it was to fit
    :param architecture: what it was built for
    """

    name: str
    answer: Mapping[str, Any]
    plat: str | None
    architecture: str

    @property
    def log(self) -> str:
        """What was printed."""
        return str(self.answer.get("log", "")).strip()

    @property
    def said(self) -> str:
        """What was printed last, without the traceback before it."""
        for pattern in (RAISED, REFUSED):
            if found := pattern.search(self.log):
                return found[1].strip()
        return "".join(self.log.splitlines()[-1:]) or f"It ended with exit code {self.answer['code']}."


def some(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def lines(texts: Iterable[str]) -> str:
    """Return the first of some lines, and how many there are if these are not all."""
    every = list(texts)
    more = [f"And so on: {len(every)} in all."] if len(every) > NAMED else []
    return "\n".join([*every[:NAMED], *more])

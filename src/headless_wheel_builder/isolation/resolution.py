"""Ask the index what requirements resolve to now, while the build goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from headless_wheel_builder.background import Background
from headless_wheel_builder.events import Event, Reporter
from headless_wheel_builder.isolation.distributions import canonical

# A commit, which is what it is for ever.
_COMMIT: Final = re.compile(r" @ (?:git|hg)\+[^#\s]+@[0-9a-f]{40}(?![0-9a-f])")
_EXACT: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Resolution:
    """What requirements resolve to: asked for on a thread, from `start` on.

    :param ask: asks the index, and returns one exact requirement a line; what it has to say, it says to what it gets
    :param at_end: called on the thread when there is an answer, or none
    :param report: hears what `ask` said, on the thread that wants the result
    """

    def __init__(self, ask: Callable[[Reporter], str], at_end: Callable[[], None], report: Reporter) -> None:
        self._report = report
        self._heard: list[Event] = []
        self._asking = Background(lambda: ask(self._heard.append), at_end=at_end)

    def start(self) -> None:
        """Ask, unless it was done before."""
        self._asking.start()

    def wait(self) -> None:
        """Wait until there is an answer or none, if anything was asked."""
        self._asking.wait()

    def result(self) -> str:
        """Wait for the answer, and return it or raise what asking raised."""
        self._asking.start().wait()
        heard, self._heard = self._heard, []
        for event in heard:
            self._report(event)
        return self._asking.result()

    def is_useless(self, is_wrong: Callable[[str], bool]) -> bool:
        """Tell, without waiting, whether asking has failed or the answer is known to be wrong."""
        try:
            return self._asking.has_ended and is_wrong(self._asking.result())
        except BaseException:  # noqa: BLE001 - raised again by result(), on the building thread
            return True


def is_changeable(text: str) -> bool:
    """Tell whether what was resolved may be something else tomorrow although it is written in the same way."""
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return not all(_is_fixed(line) for line in lines if line and not line.startswith("#"))


def _is_fixed(line: str) -> bool:
    # What an installer says of a file on disk may come from its cache.
    return ("--hash=" in line or bool(_COMMIT.search(line))) and "file://" not in line


def versions(text: str) -> dict[str, str]:
    """Return the version of each distribution that was resolved to one, by canonical name."""
    return {canonical(name): version for name, version in _EXACT.findall(text)}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say which versions are others now."""
    changed = [
        f"{name} {now[name]} instead of {before.get(name, 'none')}" for name in now if before.get(name) != now[name]
    ]
    gone = [f"nothing that needs {name}" for name in before if name not in now]
    return ", ".join(changed or gone) or "other files of the same versions"

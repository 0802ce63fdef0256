"""Ask the index what requirements resolve to now, while the build goes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

from headless_wheel_builder.events import Event, Reporter

# A commit, which is what it is for ever.
_COMMIT: Final = re.compile(r" @ (?:git|hg)\+[^#\s]+@[0-9a-f]{40}(?![0-9a-f])")
_EXACT: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Resolution:
    """What requirements resolve to: asked for on a thread.

    :param ask: asks the index, and returns one exact requirement a line; what it has to say, it says to what it gets
    :param at_end: called on the thread when there is an answer, or none
    :param report: hears what `ask` said, on the thread that wants the result
    """

    def __init__(self, ask: Callable[[Reporter], str], at_end: Callable[[], None], report: Reporter) -> None:
        self._ask = ask
        self._at_end = at_end
        self._report = report
        self._heard: list[Event] = []
        self._error: BaseException | None = None
        self._text = ""
        self.has_ended = False
        self._thread = threading.Thread(target=self._run, name="resolution", daemon=True)
        self._is_started = False

    def start(self) -> None:
        """Ask; a second call does nothing."""
        if not self._is_started:
            self._is_started = True
            self._thread.start()

    def result(self) -> str:
        """Wait for the answer, and return it or raise what asking raised."""
        self.start()
        self._thread.join()
        heard, self._heard = self._heard, []
        for event in heard:
            self._report(event)
        if self._error is not None:
            raise self._error
        return self._text

    def wait(self) -> None:
        """Wait until there is an answer or none, if anything was asked."""
        if self._is_started:
            self._thread.join()

    def failed_or(self, is_wrong: Callable[[str], bool]) -> bool:
        """Tell, when it has ended, whether it failed or the answer is wrong."""
        return self._error is not None or is_wrong(self._text)

    def _run(self) -> None:
        try:
            self._text = self._ask(self._heard.append)
        except BaseException as error:  # noqa: BLE001 - raised again by result(), on the building thread
            self._error = error
        self.has_ended = True
        self._at_end()


def is_changeable(text: str) -> bool:
    """Tell whether what was resolved may be something else tomorrow although it is written in the same way."""
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return not all(_is_fixed(line) for line in lines if line and not line.startswith("#"))


def _is_fixed(line: str) -> bool:
    # What an installer says of a file on disk may come from its cache.
    return ("--hash=" in line or bool(_COMMIT.search(line))) and "file://" not in line


def versions(text: str) -> dict[str, str]:
    """Return the version of each distribution that was resolved to one, by canonical name."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in _EXACT.findall(text)}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say which versions are others now."""
    changed = [
        f"{name} {now[name]} instead of {before.get(name, 'none')}" for name in now if before.get(name) != now[name]
    ]
    gone = [f"nothing that needs {name}" for name in before if name not in now]
    return ", ".join(changed or gone) or "other files of the same versions"

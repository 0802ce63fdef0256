"""Ask the index what requirements resolve to now, while the build goes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

# A folder on disk, or a file that whoever serves it may exchange: the same line may mean something else tomorrow.
_CHANGEABLE: Final = re.compile(r" @ (?!(?:git|hg|svn|bzr)\+)")
_EXACT: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Resolution:
    """What requirements resolve to: asked for on a thread.

    :param ask: asks the index, and returns one exact requirement a line
    :param at_end: called on the thread when there is an answer, or none
    """

    def __init__(self, ask: Callable[[], str], at_end: Callable[[], None]) -> None:
        self._ask = ask
        self._at_end = at_end
        self._error: BaseException | None = None
        self._text = ""
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
        if self._error is not None:
            raise self._error
        return self._text

    def wait(self) -> None:
        """Wait until there is an answer or none, if anything was asked."""
        if self._is_started:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._text = self._ask()
        except BaseException as error:  # noqa: BLE001 - raised again by result(), on the building thread
            self._error = error
        self._at_end()

    def failed_or(self, is_wrong: Callable[[str], bool]) -> bool:
        """Tell, when it has ended, whether it failed or the answer is wrong."""
        return self._error is not None or is_wrong(self._text)


def is_changeable(text: str) -> bool:
    """Tell whether what was resolved may be something else tomorrow although it is written in the same way."""
    lines = text.replace("\\\n", " ").splitlines()
    return any((_CHANGEABLE.search(line) and "--hash=" not in line) or "file://" in line for line in lines)


def versions(text: str) -> dict[str, str]:
    """Return the version of each distribution that was resolved to one."""
    return dict(_EXACT.findall(text))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say which versions are others now."""
    changed = [
        f"{name} {now[name]} instead of {before.get(name, 'none')}" for name in now if before.get(name) != now[name]
    ]
    return ", ".join(changed) or "fewer distributions"

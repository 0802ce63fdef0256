"""uv's own cache, which only makes it faster: one that cannot be used, or that is somebody else's, is done without."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Warned
from headless_wheel_builder.isolation.base import Context

SWITCH: Final = "UV_NO_CACHE"
# What uv says when it fails at its cache, beside the path of what it failed at.
SAID: Final = ("Failed to initialize cache", "Could not acquire lock")

Run: TypeAlias = Callable[[Sequence[str], Mapping[str, str], Context], None]


class UvCache:
    """The cache of all that one installer runs."""

    def __init__(self) -> None:
        self._is_used = True

    def run(self, run: Run, argv: Sequence[str], environ: Mapping[str, str], context: Context) -> None:
        """Run uv; once more without its cache if it failed at that.

        :param run: raises what it has to say when it fails
        :param environ: as uv is to have it
        """
        folder = _folder(environ)
        if self._is_used and SWITCH not in environ and _is_of_another(folder):
            self._leave(f"{folder} belongs to another user", context)
        try:
            run(argv, self._environ(environ), context)
        except (DependencyError, IsolationError) as error:
            is_without = SWITCH in self._environ(environ)
            if is_without or not _is_at_fault(folder, environ.get("VIRTUAL_ENV"), error.cause):
                raise
            self._leave(error.cause.rpartition("cause: ")[2] or error.message, context)
            run(argv, self._environ(environ), context)

    def _environ(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        return environ if self._is_used else {**environ, SWITCH: "1"}

    def _leave(self, why: str, context: Context) -> None:
        self._is_used = False
        context.report(Warned(f"uv's cache is not used: {why}. Name a folder of your own with UV_CACHE_DIR."))


def _folder(environ: Mapping[str, str]) -> str:
    if chosen := environ.get("UV_CACHE_DIR"):
        return os.path.abspath(chosen)
    home = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "uv")


def _is_at_fault(folder: str, environment: str | None, said: str) -> bool:
    last = said.rpartition("\n")[2]
    # What failed on its way into the environment is begun there: uv would take it for complete.
    is_elsewhere = environment is not None and environment + os.sep in last
    return (folder + os.sep in last and not is_elsewhere) or any(one in said for one in SAID)


def _is_of_another(folder: str) -> bool:
    """Tell whether someone who is neither this user nor root could put something there that builds would run."""
    if os.name != "posix":
        return False
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    try:
        return os.stat(folder).st_uid not in {0, os.geteuid()}
    except OSError:
        return False  # uv says what is wrong with it

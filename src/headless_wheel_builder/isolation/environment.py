"""A virtual environment on disk, and the hooks that run in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final

from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace, Launcher, Memory
from headless_wheel_builder.values import named_value

PYTHON: Final = "python.exe" if os.name == "nt" else "python"


@named_value
class Layout:
    """Where an environment has its programs and packages, with `{base}` for its folder."""

    scripts: str
    purelib: str
    platlib: str

    def python(self, folder: str) -> str:
        """Return the path of the interpreter."""
        return os.path.join(self.scripts.format(base=folder), PYTHON)

    def packages(self, folder: str) -> list[str]:
        """Return the folders of packages; most systems have one for all."""
        return list(dict.fromkeys(part.format(base=folder) for part in (self.purelib, self.platlib)))


class VirtualEnvironment:
    """A virtual environment with its packages.

    :param installed: the version of each distribution in it
    :param difference: says what is not as it was when the environment was made, None when nothing is
    :param at_close: called when it is given up
    """

    def __init__(
        self,
        folder: str,
        layout: Layout,
        *,
        installed: Mapping[str, str],
        launchers: Launchers,
        difference: Callable[[], str | None],
        at_close: Callable[[], None] | None = None,
    ) -> None:
        self.folder = folder
        self.scripts = layout.scripts.format(base=folder)
        self.packages = layout.packages(folder)
        self.python = layout.python(folder)
        self.installed = installed
        self.is_closed = False
        # Whether anyone has changed it since it was found to be as it was made.
        self.was_changed = False
        self._difference = difference
        self._launchers = launchers
        self._at_close = at_close

    @property
    def has_failed(self) -> bool:
        """Whether any hook in it has not ended well."""
        return self._launchers.has_failed

    def is_intact(self) -> bool:
        """Tell whether it can be used as it was made."""
        if not self.is_closed and self._difference() is not None:
            self.was_changed = True
        return not (self.is_closed or self.was_changed)

    def environ(self, environ: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of hooks: the caller's, with nothing in it that leads out of this one.

        :param extra: variables that win over all others
        """
        path = environ.get("PATH")
        isolated = {
            "PATH": self.scripts if path is None else os.pathsep.join([self.scripts, path]),
            "VIRTUAL_ENV": self.folder,
            "PYTHONPATH": "",
            "PYTHONNOUSERSITE": "1",
        }
        kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
        return {**kept, **isolated, **extra}

    def launcher(self, backend: BackendPlace, environ: Mapping[str, str], memory: Memory | None = None) -> Launcher:
        """Return what runs hooks of a backend in it.

        :param environ: as `environ()` returned it
        """
        return self._launchers.launcher(self.python, environ, backend, memory)

    def interrupt(self) -> None:
        """End the hooks that run in it, and those that will; may be called from any thread."""
        self._launchers.interrupt()

    def close(self) -> None:
        """End what runs in it, and give it up; a second call does nothing."""
        if not self.is_closed:
            self.is_closed = True
            self._launchers.close()
            if self._at_close is not None:
                self._at_close()

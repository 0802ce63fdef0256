"""Fold a part of a log, as the service does that runs the build."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.terminal import Terminal


class Folding(Protocol):
    """How a service that runs builds folds a part of a log."""

    def begin(self, title: str) -> None:
        """Begin it."""
        ...

    def end(self) -> None:
        """End it."""
        ...

    def quoted(self) -> contextlib.AbstractContextManager[None]:
        """Have nothing that is shown in a block be taken for a command."""
        ...


class Plain:
    """No folding: a heading."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def begin(self, title: str) -> None:
        """Show the heading."""
        self._terminal.head(f"* {title}")

    def end(self) -> None:
        """Do nothing."""

    def quoted(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: there are no commands."""
        return contextlib.nullcontext()


class GitHub:
    """Groups of GitHub Actions; nothing in them is taken for a command, whatever a backend prints."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._token = secrets.token_hex(16)

    def begin(self, title: str) -> None:
        """Begin a group."""
        named = escaping.line(title).replace("%", "%25")
        self._terminal.command(f"::group::{named}\n::stop-commands::{self._token}")

    def end(self) -> None:
        """End it."""
        self._terminal.command(f"::{self._token}::\n::endgroup::")

    @contextlib.contextmanager
    def quoted(self) -> Iterator[None]:
        """Have nothing that is shown in a block be taken for a command."""
        self._terminal.command(f"::stop-commands::{self._token}")
        try:
            yield
        finally:
            self._terminal.command(f"::{self._token}::")


class GitLab:
    """Collapsible sections of GitLab CI."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._name = ""

    def begin(self, title: str) -> None:
        """Begin a section."""
        self._name = re.sub(r"\W+", "_", title.partition(":")[0], flags=re.ASCII)
        named = escaping.harmless(escaping.line(title))
        self._terminal.command(f"\33[0Ksection_start:{time.time():.0f}:{self._name}[collapsed=true]\r\33[0K{named}")

    def end(self) -> None:
        """End it."""
        self._terminal.command(f"\33[0Ksection_end:{time.time():.0f}:{self._name}\r\33[0K")

    def quoted(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: all that could be done with a section is to fold lines."""
        return contextlib.nullcontext()


def folding(environ: Mapping[str, str], terminal: Terminal) -> Folding:
    """Return how the log is folded here."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return GitHub(terminal)
    return GitLab(terminal) if environ.get("GITLAB_CI") == "true" else Plain(terminal)

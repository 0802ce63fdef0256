"""What runs the processes of hooks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from headless_wheel_builder.process import OnOutput
from headless_wheel_builder.values import value

# `inherit`: the backend prints to our own streams; `capture`: as events and into the log; `lines`: as one event a line.
OutputMode: TypeAlias = Literal["inherit", "capture", "lines"]


@value
class BackendPlace:
    """A backend, and where it is.

    :param source: the source tree
    :param name: the `build-backend` of its `[build-system]`
    :param is_in_tree: whether it has a `backend-path`
    :param hooks: the names of those that will be called
    """

    source: str
    name: str
    is_in_tree: bool = False
    hooks: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module that has to be imported for it."""
        return self.name.partition(":")[0]


def to_stderr(piece: bytes) -> None:
    """Print what a hook prints, where both its streams are one: it is not for whoever reads our stdout."""
    while piece:
        piece = piece[os.write(2, piece) :]


class EndedError(Exception):
    """What ended a hook, where more is known than its exit code: `cause` and `hint` are for the user."""

    def __init__(self, returncode: int, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.returncode = returncode
        self.cause = cause
        self.hint = hint


class Memory(Protocol):
    """What is known about the modules that hooks need."""

    own: Sequence[str]

    def preload(self, backend: BackendPlace) -> Sequence[str]:
        """Return modules to import before hooks are called."""
        ...

    def wants(self, hook: str) -> bool:
        """Tell whether to report what a hook imports."""
        ...

    def learn(self, hook: str, modules: Sequence[str]) -> None:
        """Take notice of what a hook imported."""
        ...


class Launcher(Protocol):
    """Whatever runs the processes of hooks; `Processes` starts a fresh interpreter for each."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_output: OnOutput | None = None,
    ) -> int:
        """Run a hook to its end and return its exit code, negative for a signal.

        What it leaves running in its process group is killed before this returns.

        :param on_output: gets what it prints, both streams merged; without it, it prints to our own streams
        :raises Cancelled: the build was cancelled, before or meanwhile
        :raises EndedError: it was ended by something that is known
        :raises OSError: it cannot be started
        """
        ...

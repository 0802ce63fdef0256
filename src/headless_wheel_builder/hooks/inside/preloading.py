"""Import a backend, and find out whether hooks can be forked from what came of it."""

from __future__ import annotations

import fcntl
import importlib
import os
import select
import signal
import sys

from headless_wheel_builder.hooks.inside.channel import identity
from headless_wheel_builder.hooks.inside.watch import Watch


def preload(modules: list[str], descriptors: set[int]) -> str | None:
    """Import modules, and return why hooks cannot be forked from what came of it, or None.

    :param descriptors: those that are open before
    """
    if not sys.platform.startswith("linux"):
        return "forking is safe on Linux only"
    try:
        return _preloaded(modules, descriptors)
    except OSError as error:
        return f"the system does not tell what it does ({error.strerror})"


def _preloaded(modules: list[str], descriptors: set[int]) -> str | None:
    if _descriptors() != descriptors:
        return "its interpreter starts without its streams, or with more than them open"
    watch, muffled, failure = Watch(), Muffled(), None
    # Bytecode of the environment is written here once, whatever hooks are told about writing theirs.
    is_silenced = sys.dont_write_bytecode
    sys.dont_write_bytecode = False
    try:
        with muffled, watch:
            for module in modules:
                importlib.import_module(module)
    except BaseException as error:  # whatever it is, a fresh interpreter shows it as it always was
        failure = f"it cannot be imported ({type(error).__name__})"
    if is_silenced:
        sys.dont_write_bytecode = is_silenced
    # Without imports there is nothing to be found: an emulator has threads of its own.
    return watch.seen or muffled.seen or failure or (_obstacle(descriptors) if modules else None)


def _obstacle(descriptors: set[int]) -> str | None:
    if len(os.listdir("/proc/self/task")) > 1:
        return "it starts threads while it is imported"
    if _descriptors() != descriptors:
        return "it opens or closes files while it is imported"
    if any(signal.getitimer(timer)[0] for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)):
        return "it sets a timer while it is imported"
    with open("/proc/self/maps", "rb") as file:
        if any(b" rw-s " in line for line in file):
            return "it shares memory while it is imported"
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return "it starts processes while it is imported"


def _descriptors() -> set[int]:
    names = os.listdir("/proc/self/fd")
    # The one that listed the folder is among them and closed by now.
    return {int(name) for name in names if os.path.lexists("/proc/self/fd/" + name)}


class Muffled:
    """Have what is printed go nowhere, to the same kind of thing as before, and tell whether anything was printed."""

    def __init__(self) -> None:
        self.seen: str | None = None

    def __enter__(self) -> Muffled:
        self._saved = [os.dup(number) for number in (1, 2)]
        self._readers = [_replace(number) for number in (1, 2)]
        self._identities = [identity(number) for number in (1, 2)]
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()  # type: ignore[union-attr]
            except Exception:  # closed, or none at all
                pass
        for number, before in zip((1, 2), self._identities):
            if identity(number) != before:
                self.seen = "it replaces its standard streams while it is imported"
        for number, saved, reader in zip((1, 2), self._saved, self._readers):
            # What is not read from but written to, a file in memory, is no longer empty.
            if select.select([reader], [], [], 0)[0] and (not _is_file(reader) or os.fstat(reader).st_size):
                self.seen = self.seen or "it prints something while it is imported"
            os.dup2(saved, number)
            os.close(saved)
            os.close(reader)


def _replace(number: int) -> int:
    if os.isatty(number):
        reader, writer = os.openpty()
        import termios  # for terminals only; hooks do not find it imported

        del sys.modules["termios"]
        size = fcntl.ioctl(number, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
    elif _is_file(number):
        writer = os.memfd_create("printed")
        reader = os.dup(writer)
    else:
        reader, writer = os.pipe()
    # Nobody reads: an import that prints more than fits must fail rather than wait.
    os.set_blocking(writer, False)
    os.dup2(writer, number)
    os.close(writer)
    return reader


def _is_file(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True

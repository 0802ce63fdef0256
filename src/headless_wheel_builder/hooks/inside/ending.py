"""End the process of a hook: as the interpreter does, but for destroying objects that nobody would miss."""

from __future__ import annotations

import _weakref
import gc
import io
import os
import sys
from itertools import compress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Bound now: a backend may put something else in their places.
EXIT = os._exit
STREAMS = (sys.stdout, sys.stderr)
# Types of what has code left to run.
SUSPENDED = frozenset({"generator", "coroutine", "async_generator"})
# Modules whose weak references only forget what is destroyed; the C code of abc has no module.
FORGETTING = frozenset({"logging", "weakref", "_weakrefset", None})
# Types of callbacks that say truly where they are from.
FUNCTIONS = frozenset({type(print), type(lambda: None)})
# Those of files, which print nothing when they are destroyed.
QUIET = frozenset({"_io", "bz2", "gzip", "lzma", "tarfile", "tempfile", "zipfile"})
# Modules of the standard library with more to end than objects: foreign code, files, interpreters, functions that
# threading calls.
HOLDING = frozenset(
    {"_ctypes", "_curses", "_dbm", "_gdbm", "_interpreters", "_sqlite3", "_testcapi", "_tkinter", "_xxsubinterpreters"}
    | {"concurrent.futures.thread", "concurrent.futures.process", "readline"}
)
LOGGING = frozenset({"logging", "logging.handlers"})
# Variables that have the interpreter, or the C library, do more at its end.
ENDINGS = frozenset({"LD_PRELOAD", "PYTHONDUMPREFS", "PYTHONDUMPREFSFILE", "PYTHONINSPECT", "PYTHONMALLOCSTATS"})
# Files of machine code that were loaded and are none of the standard library's; `Watch` hears of them.
FOREIGN: list[object] = []


def last_words() -> set[str]:
    """Return the modules of the code that would run if all objects were destroyed, but frozen ones and the streams."""
    try:
        return _last_words()
    except BaseException:  # a metaclass may answer whatever is asked with anything
        return {"unknown"}


def _last_words() -> set[str]:
    # Never by `id`: it is an audit event, and there are ten thousands of objects.
    objects = gc.get_objects()
    types = list(map(type, objects))
    kinds = set(types)
    ending = {kind for kind in kinds if _is_told(kind) or kind.__name__ in SUSPENDED}

    def of(some: set[Any]) -> list[Any]:
        return list(compress(objects, map(some.__contains__, types)))

    streams = _stream_parts()
    found = {type(one).__module__ for one in of(ending) if not any(one is part for part in streams)}
    references: set[Any] = {kind for kind in kinds if issubclass(kind, _weakref.ReferenceType)}
    callbacks = [one.__callback__ for one in of(references)]
    told = {one.__module__ if type(one) in FUNCTIONS else "unknown" for one in callbacks if one is not None}
    return found | {str(module) for module in told - FORGETTING}


def _is_told(kind: type) -> bool:
    # Not by `hasattr`, which asks a metaclass too.
    return any("__del__" in vars(base) for base in kind.__mro__)


def _stream_parts() -> list[object]:
    parts = []
    for stream in (sys.__stdin__, *STREAMS):
        if stream is not None:
            buffer: Any = stream.buffer
            parts += [stream, buffer, buffer if isinstance(buffer, io.RawIOBase) else buffer.raw]
    return parts


def thaw() -> None:
    """Have the interpreter destroy what was frozen too."""
    if _is_frozen():
        gc.unfreeze()


def leave() -> None:
    """End the process with exit code 0, or return where only the interpreter itself can end it as it should.

    Destroying all modules takes longer than a small hook does. It is left out where no code but the standard library's
    would be run before or by that.
    """
    try:
        is_silent = _is_plain() and _is_alone() and last_words() <= QUIET and _flush()
        if is_silent:
            gc.collect()
            is_silent = not last_words()
        if is_silent:
            _atexit()._run_exitfuncs()
            is_silent = _flush()
    except BaseException:  # of what a backend has put in the way; the interpreter ends as it always does
        is_silent = False
    if is_silent:
        EXIT(0)
    thaw()


def _is_plain() -> bool:
    is_watched = sys.gettrace() or sys.getprofile() or gc.callbacks or gc.get_debug() or sys.flags.inspect
    is_talkative = sys.warnoptions or sys.flags.dev_mode
    return bool(
        _is_frozen()
        and not is_watched
        and not is_talkative
        and not any(name in os.environ for name in ENDINGS)
        and all(map(_is_original, (sys.stdout, sys.stderr), (sys.__stdout__, sys.__stderr__), STREAMS))
        and not any(name in sys.modules for name in HOLDING)
        and not FOREIGN
    )


def _is_frozen() -> bool:
    return hasattr(gc, "get_freeze_count") and gc.get_freeze_count() > 0


def _is_original(stream: object, kept: object, original: object) -> bool:
    is_usual = stream is None or (type(stream) is io.TextIOWrapper and "flush" not in vars(stream))
    return stream is kept is original and is_usual


def _is_alone() -> bool:
    """Tell whether there are no threads to wait for, and no exit handlers but those that do nothing here."""
    known = 0
    if "threading" in sys.modules:
        threading = sys.modules["threading"]
        if threading.active_count() > 1 or getattr(threading, "_threading_atexits", ()):
            return False
    if "weakref" in sys.modules:
        finalize = sys.modules["weakref"].finalize
        if finalize._registry:
            return False
        known += finalize._registered_with_atexit
    if "logging" in sys.modules:
        handlers = [reference() for reference in sys.modules["logging"]._handlerList]
        if not all(type(handler).__module__ in LOGGING for handler in handlers):
            return False
        known += 1
    return bool(_atexit()._ncallbacks() == known)


def _atexit() -> Any:
    import atexit  # the hook's own: in Python 3.9 and older each that is imported has handlers of its own

    return atexit


def _flush() -> bool:
    try:
        for stream in STREAMS:
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return False  # the interpreter tells the user
    return True

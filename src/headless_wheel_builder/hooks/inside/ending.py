"""End the process of a hook: as the interpreter does, but for destroying objects that nobody would miss."""

from __future__ import annotations

import _weakref
import gc
import io
import os
import sys

from headless_wheel_builder.hooks.inside.paths import is_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Types of what has code left to run.
SUSPENDED = frozenset({"generator", "coroutine", "async_generator"})
# Modules whose weak references only forget what is destroyed; the C code of abc has no module.
FORGETTING = frozenset({"logging", "weakref", "_weakrefset", None})
# Those of files, which print nothing when they are destroyed.
QUIET = frozenset({"_io", "bz2", "gzip", "lzma", "tarfile", "tempfile", "zipfile"})
# Modules of the standard library with more to end than objects: foreign code, files, interpreters, functions that
# threading calls.
HOLDING = frozenset(
    {"_ctypes", "_curses", "_dbm", "_gdbm", "_interpreters", "_sqlite3", "_testcapi", "_tkinter", "_xxsubinterpreters"}
    | {"concurrent.futures.thread", "concurrent.futures.process", "readline"}
)
# Exit handlers, once there is nothing for them to do but to flush.
HARMLESS = frozenset({("logging", "shutdown"), ("weakref", "_exitfunc")})
LOGGING = frozenset({"logging", "logging.handlers"})
# Variables that have the interpreter, or the C library, do more at its end.
ENDINGS = frozenset({"LD_PRELOAD", "PYTHONDUMPREFS", "PYTHONDUMPREFSFILE", "PYTHONINSPECT", "PYTHONMALLOCSTATS"})


def last_words() -> set[str]:
    """Return the modules of the code that would run if all objects, but frozen ones, were destroyed."""
    objects = gc.get_objects()
    kinds = set(map(type, objects))
    found = {kind.__module__ for kind in kinds if hasattr(kind, "__del__") or kind.__name__ in SUSPENDED}
    references = {kind for kind in kinds if issubclass(kind, _weakref.ReferenceType)}
    callbacks = [one.__callback__ for one in objects if type(one) in references]
    told = {getattr(one, "__module__", "") for one in callbacks if one is not None}
    return found | {str(module) for module in told - FORGETTING}


def thaw() -> None:
    """Have the interpreter destroy what was frozen too."""
    if _is_frozen():
        gc.unfreeze()


def leave() -> None:
    """End the process with exit code 0, or return where only the interpreter itself can end it as it should.

    Destroying all modules takes longer than a small hook does. It is left out where no code but the standard library's
    would be run before or by that.
    """
    if not _is_plain() or not _is_alone() or not last_words() <= QUIET or not _flush():
        return thaw()
    gc.collect()
    if last_words():
        return thaw()
    _run_exit_handlers()
    if not _flush():
        return None
    os._exit(0)


def _is_plain() -> bool:
    is_watched = sys.gettrace() or sys.getprofile() or gc.callbacks or gc.get_debug() or sys.flags.inspect
    return bool(
        _is_frozen()
        and not is_watched
        and not ENDINGS.intersection(os.environ)
        and _is_original(sys.stdout, sys.__stdout__)
        and _is_original(sys.stderr, sys.__stderr__)
        and not HOLDING.intersection(sys.modules)
        and not any(map(_is_foreign, list(sys.modules.values())))
    )


def _is_frozen() -> bool:
    return hasattr(gc, "get_freeze_count") and gc.get_freeze_count() > 0


def _is_original(stream: object, original: object) -> bool:
    return stream is original and (stream is None or type(stream) is io.TextIOWrapper)


def _is_foreign(module: object) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.endswith(".so") and not is_library(module)


def _is_alone() -> bool:
    """Tell whether there are no threads to wait for, and no exit handlers but those that do nothing here."""
    if "threading" in sys.modules and sys.modules["threading"].active_count() > 1:
        return False
    if "weakref" in sys.modules and sys.modules["weakref"].finalize._registry:
        return False
    if "logging" in sys.modules:
        handlers = [reference() for reference in sys.modules["logging"]._handlerList]
        if not all(type(handler).__module__ in LOGGING for handler in handlers):
            return False
    seen = _Seen()
    atexit = _atexit()
    atexit.unregister(seen)
    known = [(getattr(one, "__module__", ""), getattr(one, "__name__", "")) for one in seen.handlers]
    return len(known) == atexit._ncallbacks() and HARMLESS.issuperset(known)


class _Seen:
    """Compared with each exit handler by `atexit.unregister`, is none of them, and remembers them."""

    def __init__(self) -> None:
        self.handlers: list[object] = []

    def __eq__(self, other: object) -> bool:
        self.handlers.append(other)
        return False

    __hash__ = None  # type: ignore[assignment]


def _atexit() -> Any:
    import atexit  # the hook's own: in Python 3.9 and older each that is imported has handlers of its own

    return atexit


def _run_exit_handlers() -> None:
    _atexit()._run_exitfuncs()


def _flush() -> bool:
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return False  # the interpreter tells the user
    return True

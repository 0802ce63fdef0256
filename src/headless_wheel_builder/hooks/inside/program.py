"""Be the process of a hook, from its fork to its end."""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys

from headless_wheel_builder.hooks.inside.ending import thaw
from headless_wheel_builder.hooks.inside.paths import is_below, is_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType
    from typing import Any

    from headless_wheel_builder.hooks.inside.channel import Frame

# Modules whose import looks at more than the backend's own files, or that hooks set things up for before it.
NOT_LEARNT = frozenset(
    {"distutils", "logging", "multiprocessing", "concurrent", "_distutils_hack", "readline", "antigravity", "this"}
)


def become(request: Frame) -> None:
    """Be the process of `python argv...`, in the folder and with the variables of the request."""
    if request.get("dump"):
        _be_heard()
    os.environ.update(request["environ"])
    os.chdir(request["cwd"])
    sys.argv[:] = request["run"][1:]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-3:] = request["run"][1:]
    if "multiprocessing.process" in sys.modules:
        vars(sys.modules["multiprocessing.process"])["ORIGINAL_DIR"] = os.getcwd()
    if "threading" in sys.modules:
        sys.modules["threading"].main_thread()._set_native_id()
    _forget_folders()


def _be_heard() -> None:
    """Print at once, and show where all threads are when SIGABRT comes: as `python -u -X faulthandler` does."""
    import faulthandler

    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


class Main:
    """The main module of a hook: what `python argv...` has before its program starts, and does when that has ended.

    :param own_names: what the main module of this Python starts with
    """

    def __init__(self, request: Frame, own_names: tuple[str, ...]) -> None:
        self._request = request
        self._own_names = own_names
        self._path = request["run"][1]
        self._names = vars(sys.modules["__main__"])

    def __enter__(self) -> tuple[CodeType, dict[str, Any]]:
        become(self._request)
        self._loaded, self._places = set(sys.modules), _places()
        if not getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, os.path.dirname(os.path.realpath(self._path)))
        values = {
            "__builtins__": sys.modules["builtins"],
            "__loader__": importlib.machinery.SourceFileLoader("__main__", self._path),
            "__annotations__": {},
            "__file__": self._path,
            "__cached__": None,
        }
        self._names.update({name: values[name] for name in self._own_names if name in values})
        return self._request["code"], self._names

    def __exit__(self, _kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        self._request["filters"].__exit__(None, None, None)
        if self._request["learn"]:
            self._report_modules(self._request["learn"])
        if error is None:
            self._close()
            return
        thaw()
        if not isinstance(error, SystemExit) and hasattr(sys, "excepthook"):
            # Shown as the interpreter would, but without the frames of this file.
            self._show, sys.excepthook = sys.excepthook, self._excepthook
            self._trace = trace and trace.tb_next

    def _excepthook(self, kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        sys.excepthook = self._show
        sys.last_traceback = error.__traceback__ = self._trace
        try:
            self._show(kind, error, self._trace)
        except SystemExit:
            raise
        except BaseException as failure:  # whatever the backend's own excepthook raises
            sys.stderr.write("Error in sys.excepthook:\n")
            failure.__traceback__ = failure.__traceback__ and failure.__traceback__.tb_next
            sys.__excepthook__(type(failure), failure, failure.__traceback__)
            sys.stderr.write("\nOriginal exception was:\n")
            sys.__excepthook__(kind, error, self._trace)
        self._close()

    def _close(self) -> None:
        # As the interpreter does when the program has ended, before threads are waited for.
        for name in ("__file__", "__cached__"):
            self._names.pop(name, None)

    def _report_modules(self, path: str) -> None:
        names = [name for name, module in list(sys.modules.items()) if self._is_learnable(name, module)]
        try:
            with open(path, "w", encoding="utf-8") as file:
                json.dump(names, file)
        except OSError:
            pass

    def _is_learnable(self, name: str, module: object) -> bool:
        top = name.partition(".")[0]
        if name in self._loaded or top in NOT_LEARNT or type(module) is not type(sys):
            return False
        file = str(getattr(module, "__file__", None) or "")
        is_own = top in self._request["own"] and any(is_below(file, place) for place in self._places)
        return is_own or is_library(module)


def _forget_folders() -> None:
    # What folders hold was read when the host started. It stays so in an environment only.
    for path, finder in list(sys.path_importer_cache.items()):
        if finder is None or not (is_below(path, sys.prefix) or is_below(path, sys.base_prefix)):
            del sys.path_importer_cache[path]


def _places() -> list[str]:
    # Where distributions are; not the source tree, which may have modules of the same names.
    source = os.getcwd()
    return [path for path in sys.path if not is_below(path + os.sep, source) or is_below(path, sys.prefix)]

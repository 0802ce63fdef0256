"""A hook's process ends at once where nobody could tell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

END = """
import gc, os, sys
from headless_wheel_builder.hooks.inside import ending
kept = []
ending.EXIT = lambda code: print("at once", code, flush=True)
gc.freeze()
{before}
ending.leave()
"""
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_", "COV"))}


def printed(before: str, **environ: str) -> str:
    """Return what is printed by a program that does something and then leaves."""
    argv = [sys.executable, "-c", END.format(before=before)]
    return subprocess.run(argv, env={**ENVIRON, **environ}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "before",
    [
        "pass",
        "import threading",
        "import tempfile; a = tempfile.TemporaryFile(); loop = [a]; loop.append(loop); del a, loop",
        "import logging; logging.basicConfig(); logging.warning('text')",
        "import weakref; weakref.finalize(kept.__class__, print).detach()",
    ],
)
def test_a_process_with_nothing_more_to_say_ends_at_once(before: str) -> None:
    assert printed(before) == "at once 0\n"


@pytest.mark.parametrize(
    "before",
    [
        "gc.unfreeze()",
        "kept.append(open('/dev/null'))",
        "kept.append(type('A', (), {'__del__': lambda _: None})())",
        "kept.append(i for i in range(2))",
        "import weakref; a = type('A', (), {})(); kept += [a, weakref.ref(a, lambda _: None)]",
        "a = type('A', (), {'__del__': lambda _: None})(); a.me = a; del a",
        "kept.append(type('Unhashable', (type,), {'__eq__': lambda *_: True, '__hash__': None})('A', (), {})())",
        "import atexit; atexit.register(lambda: None)",
        "import atexit; atexit.register(type('A', (), {'__eq__': lambda *_: True, '__call__': lambda _: None})())",
        "import threading as t; getattr(t, '_register_atexit', lambda f: kept.append(open('/dev/null')))(lambda: None)",
        "sys.stdout.flush = lambda: None",
        "del sys.stdout",
        "sys.modules['logging'] = None",
        "sys.modules['atexit'] = None",
        "sys.modules['threading'] = type(sys)('threading')",
        "sys.stderr = sys.__stderr__ = None",
        "import atexit; atexit.register(type('A', (), {'__eq__': lambda *_: False, '__call__': lambda _: None})())",
        "import threading, time; threading.Thread(target=time.sleep, args=(0.1,)).start()",
        "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "import weakref; weakref.finalize(os, lambda: None)",
        "import logging; kept.append(type('A', (logging.Handler,), {'__module__': 'a'})())",
        "import concurrent.futures.thread",
        "import io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer)",
        "sys.stderr = None",
        "import ctypes",
        "import sqlite3",
        "sys.setprofile(lambda *_: None)",
        "sys.settrace(lambda *_: None)",
        "gc.callbacks.append(lambda *_: None)",
        "gc.set_debug(gc.DEBUG_SAVEALL)",
        "os.environ['PYTHONINSPECT'] = ''",
        "sys.modules['_interpreters'] = sys",
    ],
)
def test_a_process_that_may_have_more_to_say_is_ended_by_the_interpreter(before: str) -> None:
    assert printed(before) == ""


LOADING = """
spec = importlib.util.spec_from_file_location("{name}", "{path}")
module = importlib.util.module_from_spec(spec)
"""
WATCHED = """
from headless_wheel_builder.hooks.inside.watch import Watch
with Watch():
    pass
"""


@pytest.mark.parametrize("is_early", [False, True])
def test_machine_code_may_have_more_to_say_but_that_of_the_standard_library(is_early: bool, tmp_path: Path) -> None:
    library = Path(sysconfig.get_path("stdlib"), "lib-dynload")
    own = next((one for one in library.glob("*.so") if one.name.startswith(("_bisect.", "_heapq.", "_json."))), None)
    if own is None:
        pytest.skip("all of this Python's own machine code is in one file")
    name = own.name.partition(".")[0]
    for path, expected in ((own, "at once 0\n"), (Path(shutil.copy(own, tmp_path)), "")):
        loading = LOADING.format(name=name, path=path)
        if is_early:
            loading += f"sys.modules[{name!r}] = module\n"
        before = [loading, WATCHED] if is_early else [WATCHED, loading, "del module\n"]
        assert printed("import importlib.util\n" + "".join(before)) == expected


def test_a_stream_made_before_is_no_reason_not_to_look_at_others() -> None:
    before = "import io; gc.unfreeze(); kept.append(io.TextIOWrapper(sys.stdout.buffer)); print(ending.last_words())"
    assert "_io" in printed(before)
    assert "_io" not in printed("gc.unfreeze(); print(ending.last_words())")


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONMALLOCSTATS"])
def test_variables_that_tell_of_an_ending_are_heeded(name: str) -> None:
    assert printed("pass", **{name: ""}) == ""

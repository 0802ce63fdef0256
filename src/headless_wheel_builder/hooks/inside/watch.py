"""What the import of a backend does that hooks forked after it would not see, or would see wrongly."""

from __future__ import annotations

import gc
import os
import sys

from headless_wheel_builder.hooks.inside.ending import FOREIGN
from headless_wheel_builder.hooks.inside.paths import file_of, is_below, is_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Audit events of what an import does outside this process: the next hook would find it done, or undone.
OUTSIDE = frozenset(
    {
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.utime",
        "os.truncate", "os.setxattr", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system",
        "os.kill", "os.killpg", "subprocess.Popen", "pty.spawn", "fcntl.flock", "fcntl.lockf", "os.lockf",
        "socket.bind", "socket.connect", "sqlite3.connect", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.rmtree",
    }
)  # fmt: skip
# Others, and what they tell.
TELLING = {
    "os.chdir": "changes the current folder",
    "_thread.start_new_thread": "starts threads",
    "sys.addaudithook": "listens to audit events",
    "sys.settrace": "traces what is run",
    "sys.setprofile": "traces what is run",
}
READING = frozenset({"open", "os.listdir", "os.scandir"})
HEARD = OUTSIDE.union(TELLING, READING)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Functions of os that imports may not ask, and what for.
ASKING = {
    "getcwd": "asks for the current folder",
    "getcwdb": "asks for the current folder",
    "getpid": "asks for its process id",
    "getppid": "asks for its process id",
    "getpgrp": "asks for its process group",
    "getsid": "asks for its session",
    "urandom": "asks for random bytes",
    "register_at_fork": "wants to know of forks",
}
# Functions of os whose path imports may not choose from the source tree, nor from what the system tells of processes.
LOOKING = ("stat", "lstat", "access", "readlink")
# Whether Python is run where it was built: setuptools asks before it imports distutils.
MAY_LOOK = frozenset({"pybuilddir.txt"})
# The standard library's own, which fork well.
MAY_ASK = ("multiprocessing.", "random", "threading", "logging", "concurrent.futures.", "asyncio.")


class Unsafe(BaseException):
    """Stops an import before it does what a fork would not repeat, or would repeat wrongly."""


class Watch:
    """Notes and stops what hooks forked from this process would not see, or would see wrongly."""

    def __init__(self) -> None:
        self.seen: str | None = None
        self._is_on = False

    def __enter__(self) -> Watch:
        self._folder = os.getcwd()
        lists = [name for name in ("argv", "orig_argv") if hasattr(sys, name)]
        stand_ins: dict[tuple[Any, str], Any] = {(os, name): Asked(self, name) for name in ASKING}
        stand_ins.update({(os, name): Looking(self, name) for name in LOOKING})
        stand_ins.update({(sys, name): Arguments(self, getattr(sys, name)) for name in lists})
        for (owner, name), stand_in in stand_ins.items():
            setattr(owner, name, stand_in)
        self._lists = {name: getattr(sys, name) for name in lists}
        FOREIGN.extend(filter(is_foreign, map(file_of, list(sys.modules.values()))))
        sys.addaudithook(self._hear)
        self._is_on = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_on = False
        if any(getattr(sys, name, None) is not stand_in for name, stand_in in self._lists.items()):
            self.seen = self.seen or "it changes the command line while it is imported"
        # Whoever imported one by name has it too, perhaps by another.
        for names in [vars(module) for module in list(sys.modules.values()) if type(module) is type(sys)]:
            kinds = zip(names, map(type, names.values()))
            for name in [name for name, kind in kinds if kind is Asked or kind is Looking or kind is Arguments]:
                names[name] = names[name].original

    def note(self, what: str) -> None:
        """Stop the import that does something."""
        if self._is_on:
            self.seen = self.seen or f"it {what} while it is imported"
            raise Unsafe(what)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in HEARD:
            # The least possible: whatever a hook does later, each `id()` for example, comes here too.
            if event == "import":
                FOREIGN.extend(filter(is_foreign, args[1:2]))
            return
        if not self._is_on:
            if event == "sys.addaudithook" and hasattr(gc, "unfreeze"):
                gc.unfreeze()  # a hook's own, which hears of the destruction of the interpreter
            return
        if event in TELLING:
            self.note(TELLING[event])
        elif event in OUTSIDE and not (event.startswith("os.") and any(map(_is_harmless, args[:2]))):
            self.note(f"changes something outside of its process ({event})")
        elif event in READING and not isinstance(args[0], int):
            if event == "open" and isinstance(args[2], int) and args[2] & WRITING and not _is_harmless(args[0]):
                self.note(f"writes to {os.fsdecode(args[0])}")
            if self._is_of_source(os.fsdecode(args[0] or "")):
                self.note("reads the source tree")

    def note_path(self, path: object) -> None:
        """Stop the import that looks at a path of the source tree, or of a process."""
        if self._is_on and isinstance(path, (str, bytes, os.PathLike)):
            text = os.fsdecode(path)
            if is_below(text, "/proc"):
                self.note("asks about its process")
            if text not in MAY_LOOK and self._is_of_source(text):
                self.note("reads the source tree")

    def _is_of_source(self, path: str) -> bool:
        path = os.path.normpath(path) if ".." in path else path
        is_inside = is_below(path + os.sep, self._folder) and not is_below(path, sys.prefix)
        return is_inside or not os.path.isabs(path)


class Asked:
    """Stands for a function of `os`. No function itself: pathlib of Python 3.10 keeps one in a class."""

    def __init__(self, watch: Watch, name: str) -> None:
        self.original = getattr(os, name)
        self._watch = watch
        self._name = name

    def __call__(self, *args: Any, **options: Any) -> Any:
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith(MAY_ASK):
            self._watch.note(ASKING[self._name])
        return self.original(*args, **options)


class Looking:
    """Stands for a function of `os` that takes a path first."""

    def __init__(self, watch: Watch, name: str) -> None:
        self.original = getattr(os, name)
        self._watch = watch

    def __call__(self, path: Any, *args: Any, **options: Any) -> Any:
        self._watch.note_path(path)
        return self.original(path, *args, **options)


class Arguments(list):  # type: ignore[type-arg]
    """Stands for `sys.argv`, which is that of a hook only when there is one."""

    def __init__(self, watch: Watch, original: list[str]) -> None:
        super().__init__([""])
        self.original = original
        self._watch = watch


def _noted(name: str) -> Any:
    def method(self: Any, *args: Any) -> Any:
        self._watch.note("asks for the command line")
        return getattr(list, name)(self, *args)

    return method


for _name in ("contains", "getitem", "iter", "len", "reversed", "repr", "add", "mul", "eq", "ne", "lt", "gt"):
    setattr(Arguments, f"__{_name}__", _noted(f"__{_name}__"))
for _name in ("copy", "count", "index", "pop"):
    setattr(Arguments, _name, _noted(_name))


def _is_harmless(path: object) -> bool:
    # Bytecode is written by whoever imports first.
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    prefix = sys.pycache_prefix
    folder, name = os.path.split(text)
    is_bytecode = name == "__pycache__" or (os.path.basename(folder) == "__pycache__" and ".pyc" in name)
    return is_bytecode or text == os.devnull or (prefix is not None and text.startswith(prefix))

"""The hook host: import a build backend once, then run each of its hooks in a process of its own.

A program for the interpreter of a build environment, Python 3.8 or newer; it imports nothing but the standard library,
and of that hooks see only what pyproject-hooks' own script imports before the backend.

    python host.py IN OUT       the descriptors of the channel; 0 and 1 in a container

Frames are JSON, each after its length in four bytes, most significant first.

    from the frontend           {"preload": [module, ...], "own": [top level, ...]}   first, once
                                {"run": argv, "cwd": path, "environ": {more}, "learn": path or null}
                                {"end": "terminate" or "kill"}                        the hook that runs
    from the host               {"ready": true} or {"unsafe": why}                    once; nothing is sent before
    and for each hook           {"started": pid}, then {"ended": exit code, negative for a signal}
                                {"unsafe": why}                                       instead: nothing was run

A hook's process is forked, leads a session of its own, and becomes what `python argv` would be. Where what was
imported makes a fork differ from a fresh interpreter the host says why, and whoever asked starts one. When the channel
closes, the hook that runs is killed with its process group, and the host ends.
"""

from __future__ import annotations

# What the script of pyproject-hooks imports before the backend, whether it is used here or not.
import glob  # noqa: F401
import importlib
import importlib.machinery
import json
import os
import re  # noqa: F401
import shutil  # noqa: F401
import sys
import traceback  # noqa: F401
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType
    from typing import Any

    Frame = dict[str, Any]

# What the main module of this Python starts with.
MAIN_NAMES = tuple(name for name in globals() if name.startswith("__"))
# Modules whose import looks at more than the backend's own files, or that hooks set things up for before it.
NOT_LEARNT = frozenset(
    {"distutils", "logging", "multiprocessing", "concurrent", "_distutils_hack", "readline", "antigravity", "this"}
)
# Audit events of what an import does outside this process: the next hook would find it done, or undone.
OUTSIDE = frozenset(
    {
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.utime",
        "os.truncate", "os.setxattr", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system",
        "os.kill", "os.killpg", "subprocess.Popen", "pty.spawn", "fcntl.flock", "fcntl.lockf", "os.lockf",
        "socket.bind", "socket.connect", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.rmtree",
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
# Types of what has code left to run.
SUSPENDED = frozenset({"generator", "coroutine", "async_generator"})
LIBRARY = os.path.dirname(os.__file__)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Functions of os that imports may not ask, and what for.
ASKING = {
    "getcwd": "asks for the current folder",
    "getcwdb": "asks for the current folder",
    "getpid": "asks for its process id",
    "getppid": "asks for its process id",
    "register_at_fork": "wants to know of forks",
}
# The standard library's own, which fork well.
MAY_ASK = ("multiprocessing.", "random", "threading", "logging", "concurrent.futures.", "asyncio.")


def _import_apart(name: str) -> Any:
    """Import a module that hooks do not find imported."""
    before = set(sys.modules)
    module = importlib.import_module(name)
    for new in set(sys.modules) - before:
        del sys.modules[new]
    return module


sys.modules.pop("__future__", None)
fcntl, gc, select, signal = map(_import_apart, ("fcntl", "gc", "select", "signal"))


class Channel:
    """Frames in and out."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self.writer = writer
        self._identity = self._look()

    def read(self) -> Frame | None:
        """Return the next frame, or None at the channel's end."""
        head = self._bytes(4)
        body = None if head is None else self._bytes(int.from_bytes(head, "big"))
        return None if body is None else json.loads(body)

    def write(self, frame: Frame) -> bool:
        """Send a frame; tell whether there is somebody to read it."""
        body = json.dumps(frame).encode()
        left = len(body).to_bytes(4, "big") + body
        try:
            while left:
                left = left[os.write(self.writer, left) :]
        except BrokenPipeError:
            return False
        return True

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self.writer)

    def watch(self, is_on: bool) -> None:
        """Have this process ended by SIGIO when the frontend is gone; as long as it does, nothing may be sent."""
        flags = fcntl.fcntl(self.reader, fcntl.F_GETFL)
        fcntl.fcntl(self.reader, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self.reader, fcntl.F_SETFL, flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC)

    def is_intact(self) -> bool:
        """Tell whether the descriptors are still those of the channel."""
        return self._look() == self._identity

    def _look(self) -> list[tuple[int, int]]:
        return [_identity(self.reader), _identity(self.writer)]

    def _bytes(self, count: int) -> bytes | None:
        parts = b""
        while len(parts) < count:
            part = os.read(self.reader, count - len(parts))
            if not part:
                return None
            parts += part
        return parts


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


class Unsafe(BaseException):
    """Stops an import before it does what a fork would not repeat, or would repeat wrongly."""


class Watch:
    """Notes and stops what hooks forked from this process would not see, or would see wrongly."""

    def __init__(self) -> None:
        self.seen: str | None = None
        self._is_on = False

    def __enter__(self) -> Watch:
        self._folder = os.getcwd()
        self._originals = [(os, name, getattr(os, name)) for name in ASKING] + [(sys, "argv", sys.argv)]
        self._stand_ins: list[Any] = [Asked(self, name) for name in ASKING] + [Arguments(self)]
        for (owner, name, _), stand_in in zip(self._originals, self._stand_ins):
            setattr(owner, name, stand_in)
        sys.addaudithook(self._hear)
        self._is_on = True
        return self

    def __exit__(self, *_: object) -> None:
        self._is_on = False
        modules = [vars(module) for module in sys.modules.values() if type(module) is type(sys)]
        for (owner, name, original), stand_in in zip(self._originals, self._stand_ins):
            if owner is sys and getattr(owner, name) is not stand_in:
                self.seen = self.seen or "it changes the command line while it is imported"
            # Whoever imported it by name has it too.
            for names in modules:
                if names.get(name) is stand_in:
                    names[name] = original

    def note(self, what: str) -> None:
        """Stop the import that does something."""
        if self._is_on:
            self.seen = self.seen or f"it {what} while it is imported"
            raise Unsafe(what)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._is_on:
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

    def _is_of_source(self, path: str) -> bool:
        path = os.path.normpath(path) if ".." in path else path
        is_inside = _is_below(path + os.sep, self._folder) and not _is_below(path, sys.prefix)
        return is_inside or not os.path.isabs(path)


class Asked:
    """Stands for a function of `os`. No function itself: pathlib of Python 3.10 keeps one in a class."""

    def __init__(self, watch: Watch, name: str) -> None:
        self._original = getattr(os, name)
        self._watch = watch
        self._name = name

    def __call__(self, *args: Any, **options: Any) -> Any:
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith(MAY_ASK):
            self._watch.note(ASKING[self._name])
        return self._original(*args, **options)


class Arguments(list):  # type: ignore[type-arg]
    """Stands for `sys.argv`, which is that of a hook only when there is one."""

    def __init__(self, watch: Watch) -> None:
        super().__init__([""])
        self._watch = watch

    def __getitem__(self, index: Any) -> Any:
        self._watch.note("asks for the command line")
        return super().__getitem__(index)

    def __iter__(self) -> Any:
        self._watch.note("asks for the command line")
        return super().__iter__()

    def __len__(self) -> int:
        self._watch.note("asks for the command line")
        return super().__len__()


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_harmless(path: object) -> bool:
    # Bytecode is written by whoever imports first.
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    prefix = sys.pycache_prefix
    return "__pycache__" in text or text == os.devnull or (prefix is not None and text.startswith(prefix))


class Muffled:
    """Have what is printed go nowhere, to the same kind of thing as before, and tell whether anything was printed."""

    def __init__(self) -> None:
        self.seen: str | None = None

    def __enter__(self) -> Muffled:
        self._saved = [os.dup(number) for number in (1, 2)]
        self._readers = [_replace(number) for number in (1, 2)]
        self._identities = [_identity(number) for number in (1, 2)]
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()  # type: ignore[union-attr]
            except Exception:  # closed, or none at all
                pass
        for number, identity in zip((1, 2), self._identities):
            if _identity(number) != identity:
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
        termios = _import_apart("termios")
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


def preload(modules: list[str], descriptors: set[int]) -> str | None:
    """Import modules, and return why hooks cannot be forked from what came of it, or None.

    :param descriptors: those that are open before
    """
    if not sys.platform.startswith("linux"):
        return "forking is safe on Linux only"
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
        sys.dont_write_bytecode = True
    return watch.seen or muffled.seen or failure or _obstacle(descriptors)


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


class Host:
    """Serves the frontend until the channel ends; in the process of a hook, `serve` returns what the hook is to do."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._pid = 0
        self._codes: dict[str, CodeType] = {}

    def serve(self) -> Frame:
        """Run hooks as asked. Returns in their processes only."""
        first = self._channel.read()
        if first is None:
            os._exit(0)
        sys.modules["__main__"] = type(sys)("__main__")
        filters = self._preload(first["preload"])
        # What is there is there for good: a hook's process then need not look through it, which would copy its pages.
        # But what is frozen is not destroyed when the process ends.
        if hasattr(gc, "freeze") and all(kind.__module__ == "_io" for kind in _kinds()):
            gc.freeze()
        self._prepare_signals()
        while True:
            frame = self._channel.read()
            self._reap()
            if frame is None:
                os._exit(0)
            # Else the hook that was to end has ended meanwhile.
            if "run" in frame and self._fork(frame["run"][1]):
                code = self._codes[frame["run"][1]]
                return {**frame, "own": first["own"], "code": code, "filters": filters}

    def _preload(self, modules: list[str]) -> warnings.catch_warnings[None]:
        # As around a hook: what imports do to the filters lasts as long as it runs.
        filters: warnings.catch_warnings[None] = warnings.catch_warnings()
        filters.__enter__()
        showing = warnings.showwarning
        self._channel.watch(True)
        if select.select([self._channel.reader], [], [], 0)[0]:
            os._exit(0)  # the frontend was gone before it was watched
        unsafe = preload(modules, {0, 1, 2, self._channel.reader, self._channel.writer})
        if not self._channel.is_intact():
            os._exit(1)
        self._channel.watch(False)
        if warnings.showwarning is not showing:
            unsafe = unsafe or "it shows warnings itself"
        self._channel.write({"ready": True} if unsafe is None else {"unsafe": unsafe})
        if unsafe is not None:
            os._exit(0)
        return filters

    def _prepare_signals(self) -> None:
        self._wakeup, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # The frontend's group is signalled as a whole when a build is cancelled; hooks are ended through the channel.
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)}
        for number in self._handlers:
            signal.signal(number, _ignore)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, self._handlers)

    def _fork(self, script: str) -> bool:
        try:
            if script not in self._codes:
                self._codes[script] = _compiled(script)
            self._pid = os.fork()
        except OSError as error:
            self._channel.write({"unsafe": f"its process cannot be forked ({error})"})
            return False
        if self._pid:
            self._watch()
            return False
        os.setsid()
        self._leave()
        # Nothing is run before the frontend can know whom to end should the host be killed.
        if not self._channel.write({"started": os.getpid()}):
            os._exit(1)
        self._channel.close()
        return True

    def _leave(self) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        os.close(self._wakeup)
        os.close(self._writer)

    def _watch(self) -> None:
        while not self._has_ended():
            ready = select.select([self._channel.reader, self._wakeup], [], [])[0]
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
            if self._channel.reader in ready:
                frame = self._channel.read()
                self._end("kill" if frame is None else frame["end"])
                if frame is None:
                    os._exit(0)
        self._end("kill")
        self._channel.write({"ended": self._status})

    def _has_ended(self) -> bool:
        # Not reaped yet: until then its id, and that of its group, cannot be given to a stranger.
        found = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return False
        self._status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        return True

    def _end(self, how: str) -> None:
        try:
            os.killpg(self._pid, signal.SIGKILL if how == "kill" else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            pass

    def _reap(self) -> None:
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def _is_library(module: object) -> bool:
    origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
    return origin in {"built-in", "frozen"} or (_is_below(origin, LIBRARY) and "-packages" not in origin)


def _kinds() -> set[type]:
    """Return the types of all objects, but frozen ones, whose destruction may do something: write a file, for one."""
    kinds: set[type] = set(map(type, gc.get_objects()))
    return {kind for kind in kinds if hasattr(kind, "__del__") or kind.__name__ in SUSPENDED}


def become(request: Frame) -> None:
    """Be the process of `python argv...`, in the folder and with the variables of the request."""
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


class Main:
    """The main module of a hook: what `python argv...` has before its program starts, and does when that has ended."""

    def __init__(self, request: Frame) -> None:
        self._request = request
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
        self._names.update({name: values[name] for name in MAIN_NAMES if name in values})
        return self._request["code"], self._names

    def __exit__(self, _kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        self._request["filters"].__exit__(None, None, None)
        if self._request["learn"]:
            self._report_modules(self._request["learn"])
        if hasattr(gc, "freeze") and gc.get_freeze_count() and _kinds():
            gc.unfreeze()
        if error is None:
            self._close()
        elif not isinstance(error, SystemExit) and hasattr(sys, "excepthook"):
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
        is_own = top in self._request["own"] and any(_is_below(file, place) for place in self._places)
        return is_own or _is_library(module)


def _forget_folders() -> None:
    # What folders hold was read when the host started. It stays so in an environment only.
    for path, finder in list(sys.path_importer_cache.items()):
        if finder is None or not (_is_below(path, sys.prefix) or _is_below(path, sys.base_prefix)):
            del sys.path_importer_cache[path]


def _places() -> list[str]:
    # Where distributions are; not the source tree, which may have modules of the same names.
    source = os.getcwd()
    return [path for path in sys.path if not _is_below(path + os.sep, source) or _is_below(path, sys.prefix)]


def _take_channel(reader: int, writer: int) -> Channel:
    if reader == 0:
        taken = [os.dup(reader), os.dup(writer)]
        # The channel of a container: hooks read nothing, and print to the stream that is left.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return Channel(*taken)
    for descriptor in (reader, writer):
        os.set_inheritable(descriptor, False)
    return Channel(reader, writer)


if __name__ == "__main__":
    # The folder of this file: its modules are not for backends.
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    with Main(Host(_take_channel(*map(int, sys.argv[1:]))).serve()) as (program, names):
        exec(program, names)

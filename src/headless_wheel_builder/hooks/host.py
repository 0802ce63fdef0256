"""The hook host: import a build backend once, then run each of its hooks in a process of its own.

A program for the interpreter of a build environment, Python 3.8 or newer; it imports nothing but the standard library,
and of that only what pyproject-hooks' own script imports, because whatever is loaded here is loaded in every hook.

    python host.py IN OUT       the descriptors of the channel; 0 and 1 in a container

Frames are JSON, each after its length in four bytes, most significant first.

    from the frontend           {"preload": [module, ...], "own": [top level, ...]}   first, once
                                {"run": argv, "cwd": path, "environ": {more}, "learn": path or null}
                                {"end": "terminate" or "kill"}                        the hook that runs
    from the host               {"started": pid}, then {"ended": exit code, negative for a signal}
                                {"unsafe": why}                                       instead: nothing was run

A hook's process is forked, leads a session of its own, and becomes what `python argv` would be. Where what was
imported makes a fork differ from a fresh interpreter the host says why, and whoever asked starts one. When the channel
closes, the hook that runs is killed with its process group, and the host ends.
"""

from __future__ import annotations

# What the script of pyproject-hooks imports before the backend, whether it is used here or not.
import contextlib
import gc
import glob  # noqa: F401
import importlib
import importlib.machinery
import json
import os
import re  # noqa: F401
import shutil  # noqa: F401
import sys
import traceback  # noqa: F401
import warnings  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType
    from typing import Any

    Frame = dict[str, Any]

# Modules whose import looks at more than the backend's own files, or that hooks set things up for before it.
NOT_LEARNT = ("distutils", "multiprocessing", "concurrent", "_distutils_hack", "readline", "antigravity", "this")
# What tells that an import did something outside this process: a second hook would find it done, or undone.
OUTSIDE = frozenset(
    {
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate",
        "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn",
        "socket.bind", "socket.connect", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.rmtree",
    }
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Channel:
    """Frames in and out."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self.writer = writer

    def read(self) -> Frame | None:
        """Return the next frame, or None at the channel's end."""
        head = self._bytes(4)
        body = None if head is None else self._bytes(int.from_bytes(head, "big"))
        return None if body is None else json.loads(body)

    def write(self, frame: Frame) -> None:
        """Send a frame; one that nobody reads any more is lost, and the next read tells."""
        body = json.dumps(frame).encode()
        left = len(body).to_bytes(4, "big") + body
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[os.write(self.writer, left) :]

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reader)
        os.close(self.writer)

    def _bytes(self, count: int) -> bytes | None:
        parts = b""
        while len(parts) < count:
            part = os.read(self.reader, count - len(parts))
            if not part:
                return None
            parts += part
        return parts


class Watch:
    """Notes what imports do that a fork would not repeat, or would repeat wrongly."""

    def __init__(self) -> None:
        self.seen: str | None = None
        self._is_on = False
        self._originals: dict[str, Callable[[], Any]] = {}

    def __enter__(self) -> Watch:
        self._is_on = True
        sys.addaudithook(self._hear)
        for name, what in (("getcwd", "asks for the current folder"), ("getpid", "asks for its process id")):
            self._originals[name] = getattr(os, name)
            setattr(os, name, self._noting(self._originals[name], what))
        return self

    def __exit__(self, *_: object) -> None:
        self._is_on = False
        for name, original in self._originals.items():
            setattr(os, name, original)

    def _noting(self, original: Callable[[], Any], what: str) -> Callable[[], Any]:
        def noting() -> Any:
            # multiprocessing keeps the folder only for a script that was named by a relative path: ours never is.
            if self._is_on and sys._getframe(1).f_globals.get("__name__") != "multiprocessing.process":
                self._note(what)
            return original()

        return noting

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._is_on:
            return
        if event in OUTSIDE and not any(_is_harmless(str(argument)) for argument in args[:2]):
            self._note(f"changes something outside of its process ({event})")
        elif event == "open" and isinstance(args[2], int) and args[2] & WRITING and not _is_harmless(str(args[0])):
            self._note(f"writes to {args[0]}")

    def _note(self, what: str) -> None:
        self.seen = self.seen or what


def _is_harmless(path: str) -> bool:
    # Bytecode is written by whoever imports first.
    return "__pycache__" in path or path == os.devnull


class Muffled:
    """Have what is printed go nowhere, to the same kind of thing as before, and tell whether anything was printed."""

    def __enter__(self) -> Muffled:
        self.printed = False
        self._saved = [os.dup(number) for number in (1, 2)]
        self._readers = [self._replace(number) for number in (1, 2)]
        return self

    def __exit__(self, *_: object) -> None:
        import select

        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
        for number, saved, (reader, is_terminal) in zip((1, 2), self._saved, self._readers):
            there = select.select([reader], [], [], 0)[0] if is_terminal else os.fstat(reader).st_size
            self.printed = self.printed or bool(there)
            os.dup2(saved, number)
            os.close(saved)
            os.close(reader)

    def _replace(self, number: int) -> tuple[int, bool]:
        is_terminal = os.isatty(number)
        reader, writer = _terminal_like(number) if is_terminal else (os.memfd_create("printed"), None)
        os.dup2(reader if writer is None else writer, number)
        if writer is not None:
            os.close(writer)
        return reader, is_terminal


def _terminal_like(number: int) -> tuple[int, int]:
    import fcntl
    import termios

    reader, writer = os.openpty()
    size = fcntl.ioctl(number, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
    # Nobody reads: an import that prints more than fits must fail rather than wait.
    os.set_blocking(writer, False)
    return reader, writer


def preload(modules: list[str]) -> str | None:
    """Import modules, and return why hooks cannot be forked from what came of it, or None."""
    if not sys.platform.startswith("linux"):
        return "forking is safe on Linux only"
    before = _descriptors()
    folder = os.getcwd()
    # Bytecode of the environment is written here once, whatever hooks are told about writing theirs.
    is_writing, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        with Watch() as watch, Muffled() as muffled:
            for module in modules:
                importlib.import_module(module)
    except BaseException as error:  # whatever it is, a fresh interpreter shows it as it always was
        return f"it cannot be imported ({type(error).__name__})"
    finally:
        sys.dont_write_bytecode = is_writing
    if muffled.printed:
        return "it prints something while it is imported"
    if watch.seen:
        return f"it {watch.seen} while it is imported"
    return _obstacle(before, folder)


def _obstacle(descriptors: set[str], folder: str) -> str | None:
    import signal

    if len(os.listdir("/proc/self/task")) > 1:
        return "it starts threads while it is imported"
    if _descriptors() != descriptors:
        return "it opens files while it is imported"
    if os.getcwd() != folder:
        return "it changes the current folder while it is imported"
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        return "it sets a timer while it is imported"
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return "it starts processes while it is imported"


def _descriptors() -> set[str]:
    names = set(os.listdir("/proc/self/fd"))
    # The one that listed the folder is among them and closed by now.
    return {name for name in names if os.path.lexists("/proc/self/fd/" + name)}


class Gate:
    """What one process waits for until the other opens it, or ends."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)

    def open(self) -> None:
        """Let the other process through."""
        os.write(self._writer, b"1")
        self._close()

    def wait(self) -> bool:
        """Wait for the other process, and tell whether it opened the gate."""
        os.close(self._writer)
        is_open = bool(os.read(self._reader, 1))
        os.close(self._reader)
        return is_open

    def _close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class Host:
    """Serves the frontend until the channel ends; in the process of a hook, `serve` returns what the hook is to do."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._pid = 0
        self._loaded: set[str] = set()
        self._codes: dict[str, CodeType] = {}

    def serve(self) -> Frame:
        """Run hooks as asked. Returns in their processes only."""
        first = self._channel.read()
        if first is None:
            os._exit(0)
        unsafe = preload(first["preload"])
        # What is there is there for good: a hook's process then need not look through it, which would copy its pages.
        gc.freeze()
        self._loaded = set(sys.modules)
        self._own = tuple(first["own"])
        self._prepare_signals()
        while True:
            frame = self._channel.read()
            self._reap()
            if frame is None:
                os._exit(0)
            if "run" not in frame:
                continue  # the hook that was to end has ended meanwhile
            if unsafe is not None:
                self._channel.write({"unsafe": unsafe})
            elif self._fork(frame["run"][1]):
                return {**frame, "own": self._own, "code": self._codes[frame["run"][1]]}
            else:
                self._watch()

    def _prepare_signals(self) -> None:
        import signal

        self._wakeup, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._writer = writer
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # The frontend's group is signalled as a whole when a build is cancelled; hooks are ended through the channel.
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)}
        for number in self._handlers:
            signal.signal(number, _ignore)

    def _fork(self, script: str) -> bool:
        if script not in self._codes:
            self._codes[script] = _compiled(script)
        leads, goes = Gate(), Gate()
        self._pid = os.fork()
        if self._pid:
            leads.wait()  # only a group that is there can be ended
            self._channel.write({"started": self._pid})
            goes.open()  # not before the frontend can know whom to end should this process be killed
            return False
        os.setsid()
        leads.open()
        if not goes.wait():
            os._exit(1)
        self._leave()
        return True

    def _leave(self) -> None:
        import signal

        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(self._wakeup)
        os.close(self._writer)
        self._channel.close()
        for name in set(sys.modules) - self._loaded:
            del sys.modules[name]

    def _watch(self) -> None:
        import select

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
        import signal

        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL if how == "kill" else signal.SIGTERM)

    def _reap(self) -> None:
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass


def become(request: Frame) -> None:
    """Be `python argv...` from here on, in the folder and with the variables of the request."""
    argv = request["run"]
    os.environ.update(request["environ"])
    os.chdir(request["cwd"])
    sys.argv = list(argv[1:])
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = list(argv)
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(argv[1]))
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        vars(process)["ORIGINAL_DIR"] = request["cwd"]
    if request["learn"]:
        _report_modules(request["learn"], request["own"])
    _run_main(argv[1], request["code"])


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def _run_main(path: str, code: CodeType) -> None:
    main = _main_module(path, importlib.machinery.SourceFileLoader("__main__", path))
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:  # shown as the interpreter would, but without the frames of this file
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace and trace.tb_next)
        sys.excepthook = lambda *_: None
        raise


def _main_module(path: str, loader: importlib.machinery.SourceFileLoader) -> ModuleType:
    main = type(sys)("__main__")
    main.__dict__.update(
        __file__=path, __loader__=loader, __builtins__=__builtins__, __cached__=None, __annotations__={}
    )
    return main


def _report_modules(path: str, own: tuple[str, ...]) -> None:
    import atexit

    before = set(sys.modules)
    library = os.path.dirname(os.__file__) + os.sep
    pid = os.getpid()

    def is_learnable(name: str, module: object) -> bool:
        top = name.partition(".")[0]
        origin = getattr(getattr(module, "__spec__", None), "origin", None) or ""
        is_library = origin.startswith(library) and "-packages" not in origin
        return name not in before and top not in NOT_LEARNT and (top in own or is_library)

    def report() -> None:
        if os.getpid() == pid:
            names = [name for name, module in list(sys.modules.items()) if is_learnable(name, module)]
            with open(path, "w", encoding="utf-8") as file:
                json.dump(names, file)

    atexit.register(report)


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
    become(Host(_take_channel(*map(int, sys.argv[1:]))).serve())

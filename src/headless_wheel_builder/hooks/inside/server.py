"""Serve the frontend: fork a process for each hook."""

from __future__ import annotations

import gc
import importlib.machinery
import os
import select
import shutil
import signal
import sys
import warnings

from headless_wheel_builder.hooks.inside.ending import last_words
from headless_wheel_builder.hooks.inside.orphans import adopt_orphans, children, end_children, reap
from headless_wheel_builder.hooks.inside.preloading import preload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

    from headless_wheel_builder.hooks.inside.channel import Channel, Frame

# More than any import makes, and nothing that one would ask for.
OBJECTS = 2**31 - 1


class Host:
    """Serves the frontend until the channel ends; in the process of a hook, `serve` returns what the hook is to do."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._pid = 0
        self._codes: dict[str, CodeType | None] = {}

    def serve(self) -> Frame:
        """Run hooks as asked. Returns in their processes only."""
        first = self._channel.read()
        if first is None:
            os._exit(0)
        sys.modules["__main__"] = type(sys)("__main__")
        filters = self._import(first["preload"])
        self._prepare_signals()
        adopt_orphans()
        while True:
            frame = self._channel.read()
            self._reap()
            if frame is None:
                os._exit(0)
            if "become" in frame:
                for folder in frame["empty"]:
                    _empty(folder)
                os.makedirs(frame["cwd"], exist_ok=True)
                os.chdir(frame["cwd"])
                self._channel.begin_anew(frame["become"])
            # Else the hook that was to end has ended meanwhile.
            if "run" in frame and self._fork(frame):
                code = self._codes[frame["run"][1]]
                return {**frame, "own": first["own"], "code": code, "filters": filters}

    def _import(self, modules: list[str]) -> warnings.catch_warnings[None]:
        # Also what other implementations than CPython do, whose collectors have no thresholds.
        if not modules:
            return self._preload(modules)
        # Most of what imports make stays: looking for what is left over takes a sixth of their time.
        threshold = gc.get_threshold()[0]
        gc.set_threshold(OBJECTS)
        filters = self._preload(modules)
        # What is there is there for good: a hook's process then need not look through it, which would copy its pages.
        # But what is frozen is not destroyed when the process ends.
        if hasattr(gc, "freeze") and not last_words():
            gc.freeze()
        # Else a module has set it.
        if gc.get_threshold()[0] == OBJECTS:
            gc.set_threshold(threshold)
        return filters

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
            if self._channel.is_container:
                self._channel.begin_anew([sys.executable, sys.argv[0], "0", "1"])
            os._exit(0)
        return filters

    def _prepare_signals(self) -> None:
        self._wakeup, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # The frontend's group is signalled as a whole when a build is cancelled; hooks are ended through the channel.
        # A container has no such group: who stops it means the host, and should not have to wait and kill it.
        ending = signal.SIG_DFL if self._channel.is_container else _ignore
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)}
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, ending)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, self._handlers)

    def _fork(self, frame: Frame) -> bool:
        script = frame["run"][1]
        try:
            for path in frame.get("make", ()):
                os.makedirs(path, exist_ok=True)
            for path, text in frame.get("write", {}).items():
                _write(path, text)
            if script not in self._codes:
                self._codes[script] = _compiled(script)
            self._pid = os.fork()
        except OSError as error:
            self._channel.write({"unsafe": f"its process cannot be forked ({error})"})
            return False
        if self._pid:
            self._watch(frame)
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

    def _watch(self, request: Frame) -> None:
        while not self._has_ended():
            ready = select.select([self._channel.reader, self._wakeup], [], [])[0]
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
                reap(children(self._pid))
            if self._channel.reader in ready:
                frame = self._channel.read()
                self._end("kill" if frame is None else frame["end"])
                if frame is None:
                    end_children()
                    os._exit(0)
        self._end("kill")
        end_children(self._pid)
        if "mark" in request:
            # Another stream than that of the frames: what is in front of the mark was printed before. The hook may have
            # made it one that does not block, for it is the hook's too; half a mark would be waited for in vain.
            os.set_blocking(2, True)
            os.write(2, request["mark"].encode())
        files = {path: _text(path) for path in request.get("read", ()) if os.path.isfile(path)}
        self._channel.write({"ended": self._status, "files": files} if files else {"ended": self._status})

    def _has_ended(self) -> bool:
        # Not reaped yet: until then its id, and that of its group, cannot be given to a stranger.
        found = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return False
        self._status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        return True

    def _end(self, how: str) -> None:
        try:
            if how == "dump":
                _forbid_core(self._pid)
                os.kill(self._pid, signal.SIGABRT)
            else:
                os.killpg(self._pid, signal.SIGKILL if how == "kill" else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            pass

    def _reap(self) -> None:
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass


def _forbid_core(pid: int) -> None:
    import resource  # of a build that fails: no hook comes after this one

    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    except OSError:
        pass


def _empty(folder: str) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _compiled(path: str) -> CodeType | None:
    # From its bytecode if there is any.
    return importlib.machinery.SourceFileLoader("__main__", path).get_code("__main__")

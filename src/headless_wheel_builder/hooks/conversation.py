"""Talk to a hook host, wherever it is: one hook after the other, in the frames that host.py describes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.frames import expected
from headless_wheel_builder.hooks.link import Link
from headless_wheel_builder.process import OnOutput, Stop


class UnsafeError(Exception):
    """The host cannot run hooks as a fresh interpreter would; the text says why.

    :param said: what the host said of it; empty if it has ended
    """

    def __init__(self, said: str = "") -> None:
        super().__init__(said or "its host ended")
        self.said = said


class Conversation:
    """All that is said to and by one host, from its start until `close`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._is_ready = False
        # The process of the hook that runs.
        self._hook = 0
        # `stop` is called from other threads, and must not write into what is closed.
        self._lock = threading.Lock()
        self._is_closed = False

    def get_ready(self, on_output: OnOutput | None) -> None:
        """Wait until the host has imported what it was to.

        :raises UnsafeError: it cannot run hooks
        """
        if not self._is_ready:
            frame = expected(self._link.receive(on_output), "ready", "unsafe")
            if frame is None or "unsafe" in frame:
                raise _unsafe(frame)
            self._is_ready = True

    def run(self, request: Frame, on_output: OnOutput | None, on_ready: Callable[[], None] = lambda: None) -> Frame:
        """Have the host run a hook, and return what it says of its end; with `gone` if the host ended before that.

        :param on_ready: called when the host can run it
        :raises UnsafeError: the host cannot; nothing was run
        """
        try:
            self.get_ready(on_output)
            on_ready()
            self._link.send(request)
            return self._result(on_output, frozenset(request.get("read", ())))
        except UnsafeError:
            raise
        except BaseException:  # a cancellation or Ctrl-C too: no hook outlives whoever waited for it
            self._abandon()
            raise

    def stop(self, how: Stop) -> None:
        """Have the hook that runs end; end the host, and with it the hook, when none does or to kill it."""
        with self._lock:
            if how != "kill" and self._hook:
                self._link.send({"end": how})
            else:
                # Its hook's group ends when whoever waits for the hook finds the host gone.
                self._link.kill()

    def close(self) -> bool:
        """End the host; tell whether this is the first call, as others do nothing."""
        with self._lock:
            if self._is_closed:
                return False
            self._is_closed = True
            self._link.close()
        return True

    def _result(self, on_output: OnOutput | None, read: frozenset[str]) -> Frame:
        # In this order and no other: a hook that found the channel could else keep us here with frames for ever.
        frame = expected(self._link.receive(on_output), "started", "ended", "unsafe")
        if frame is None or "unsafe" in frame:
            raise _unsafe(frame)
        if "started" in frame:
            self._hook = int(frame["started"])
            frame = expected(self._link.receive(on_output), "ended")
        if frame is not None:
            self._hook = 0
            self._link.hand_on(on_output)
            return _ending(frame, read)
        self._abandon()
        self._link.hand_on(on_output)
        return {"ended": -signal.SIGKILL, "gone": True}

    def _abandon(self) -> None:
        """Kill the host and its hook."""
        self.stop("kill")
        if not self._hook and (frame := expected(self._link.last_frame(), "started")):
            self._hook = int(frame["started"])
        hook, self._hook = self._hook, 0
        self._link.kill_hook(hook)


def _ending(frame: Frame, read: frozenset[str]) -> Frame:
    """Return the frame with the files that were asked for, and no others."""
    files = {path: text for path, text in frame.get("files", {}).items() if path in read}
    return {"ended": frame["ended"], "files": files} if files else {"ended": frame["ended"]}


def _unsafe(frame: Frame | None) -> UnsafeError:
    return UnsafeError(str(frame["unsafe"]) if frame else "")

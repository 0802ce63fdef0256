"""What a dask worker does: a job, for as long as its client wants it."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.events import Event, HookOutput
from headless_wheel_builder.guard import Guard, GuardedProcesses
from headless_wheel_builder.isolation.capacity import this_machine
from headless_wheel_builder.jobs.job import Done
from headless_wheel_builder.jobs.perform import perform
from headless_wheel_builder.jobs.travelling import packed
from headless_wheel_builder.process import Cancelled, Processes

if TYPE_CHECKING:
    from distributed import Worker

# Seconds between two looks whether the job is still wanted, and between two pieces of a log.
PERIOD: Final = 0.2
# What dask calls a worker that takes and gives nothing any more.
ENDING: Final = frozenset({"closing", "closed", "failed", "stopping", "stopped"})


def perform_on_worker(request: str, sdist: bytes, topic: str, name: str) -> Done:
    """Do a job, as a task of the worker that this runs on.

    dask forgets a task that is cancelled, or whose client is gone, and lets it run; here it is ended.

    :param topic: where events are logged
    :param name: of the job, for its events
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    processes = GuardedProcesses(_guard())
    share = this_machine().share(worker.state.nthreads)
    with _Log(worker, topic, name) as log, _Watch(worker, str(key), processes, log):
        try:
            return perform(request, sdist, dict(os.environ), processes, log, share=share)
        except Cancelled:
            # Nobody waits for it, but dask must not take it for a reason to end the worker.
            raise RuntimeError("the job was cancelled") from None


@functools.cache
def _guard() -> Guard:
    """Return the one guard of this worker."""
    return Guard()


class _Log:
    """Sends events to the client; what the backend prints in pieces that are worth their way."""

    def __init__(self, worker: Worker, topic: str, name: str) -> None:
        self._worker = worker
        self._topic = topic
        self._name = name
        self._lock = threading.Lock()
        self._text: list[str] = []

    def __enter__(self) -> _Log:  # noqa: PYI034 - typing.Self came with 3.11
        self._send({"begun": True})
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        self._send({"ended": True})

    def __call__(self, event: Event, /) -> None:
        if isinstance(event, HookOutput):
            with self._lock:
                self._text.append(event.text)
            return
        self.flush()
        self._send(packed(event))

    def flush(self) -> None:
        with self._lock:
            text, self._text = "".join(self._text), []
        if text:
            self._send(packed(HookOutput(text)))

    def _send(self, message: dict[str, Any]) -> None:
        self._worker.log_event(self._topic, {"job": self._name, **message})


class _Watch:
    """Cancels the job when the worker has forgotten it, and flushes its log while it runs."""

    def __init__(self, worker: Worker, key: str, processes: Processes, log: _Log) -> None:
        self._worker = worker
        self._key = key
        self._processes = processes
        self._log = log
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> _Watch:  # noqa: PYI034
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(PERIOD):
            self._log.flush()
            task = self._worker.state.tasks.get(self._key)
            is_unwanted = task is None or task.state == "cancelled"
            # One that has lost its scheduler closes, and would wait for the job.
            if is_unwanted or self._worker.status.name in ENDING:
                self._processes.cancel()
                return

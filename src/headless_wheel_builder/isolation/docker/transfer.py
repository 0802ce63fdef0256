"""A request that an engine may take very long for, on a thread of its own, so that it can be broken off at any time."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from headless_wheel_builder.background import begin
from headless_wheel_builder.process import Processes

Messages: TypeAlias = Iterable[dict[str, Any]]

# How long its thread may take to notice that the connection is no more.
END_SECONDS: Final = 0.5


class SilenceError(Exception):
    """Say that nothing came for too long."""


def follow(
    api: Any, ask: Callable[[], Messages], hear: Callable[[dict[str, Any]], None], processes: Processes, silence: float
) -> None:
    """Hand on each message of an engine until there are no more.

    :param api: the client that `ask` uses, and for that time nobody else
    :param hear: called on the calling thread
    :param silence: seconds without a message after which it is given up
    :raises SilenceError: it was
    :raises Cancelled: the build was cancelled
    """
    inbox: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: _collect(ask, inbox), name="transfer", daemon=True)
    with _breakable(api) as break_off, processes.on_cancel(lambda: inbox.put(None)):
        begin(thread)
        try:
            while (message := _next(inbox, silence)) is not None:
                hear(message)
            processes.checkpoint()
        finally:
            if thread.is_alive():
                break_off()
                thread.join(END_SECONDS)


def _collect(ask: Callable[[], Messages], inbox: queue.SimpleQueue[dict[str, Any] | BaseException | None]) -> None:
    try:
        for message in ask():
            inbox.put(message)
        inbox.put(None)
    except BaseException as error:  # noqa: BLE001 - raised again on the thread that follows
        inbox.put(error)


def _next(inbox: queue.SimpleQueue[dict[str, Any] | BaseException | None], silence: float) -> dict[str, Any] | None:
    try:
        message = inbox.get(timeout=silence)
    except queue.Empty:
        raise SilenceError from None
    if isinstance(message, BaseException):
        raise message
    return message


@contextlib.contextmanager
def _breakable(api: Any) -> Iterator[Callable[[], None]]:
    """Have what breaks off the requests that a client makes in a `with` block.

    An engine goes on with what was asked for until the connection closes, and until it answers the SDK gives no hold
    of that: a connection has to be noted when it is taken from its pool.
    """
    adapter = api.get_adapter(api.base_url)
    connections: list[Any] = []

    def break_off() -> None:
        for connection in connections:
            _close(connection.sock)

    with contextlib.ExitStack() as replaced:
        # The second name since requests 2.32.
        for name in ("get_connection", "get_connection_with_tls_context"):
            if hasattr(adapter, name):
                find_pool = getattr(adapter, name)
                _replace(adapter, name, _noting(find_pool, connections, replaced), replaced)
        yield break_off


def _noting(
    find_pool: Callable[..., Any], connections: list[Any], replaced: contextlib.ExitStack
) -> Callable[..., Any]:
    def find(*args: Any, **options: Any) -> Any:
        pool = find_pool(*args, **options)
        take = pool._get_conn  # noqa: SLF001 - nothing public tells

        def noted(*args: Any, **options: Any) -> Any:
            connections.append(take(*args, **options))
            return connections[-1]

        if "_get_conn" not in vars(pool):
            _replace(pool, "_get_conn", noted, replaced)
        return pool

    return find


def _replace(owner: object, name: str, method: Callable[..., Any], replaced: contextlib.ExitStack) -> None:
    setattr(owner, name, method)
    replaced.callback(delattr, owner, name)


def _close(connection: Any) -> None:
    # None before it is connected; what cannot be shut down, as an ssh process, can be closed.
    with contextlib.suppress(OSError, AttributeError):
        connection.shutdown(socket.SHUT_RDWR)
        return
    with contextlib.suppress(OSError, AttributeError):
        connection.close()

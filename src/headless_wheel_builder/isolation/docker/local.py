"""Connections to an engine at a socket: the SDK's own, but one that nobody answers leaves no socket open."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Final

import docker
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool

# How the SDK names an engine that is not at a port.
PREFIX: Final = "http+docker://"


def close_what_fails(api: docker.APIClient) -> None:
    """Have a client that talks to a socket close one that it could not connect."""
    adapter = api.adapters.get(PREFIX)
    if isinstance(adapter, UnixHTTPAdapter):
        api.mount(PREFIX, _Adapter(f"http+unix://{adapter.socket_path}", adapter.timeout))


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        with contextlib.ExitStack() as on_failure:
            made = on_failure.enter_context(socket.socket(socket.AF_UNIX))
            made.settimeout(self.timeout)
            made.connect(self.unix_socket)
            on_failure.pop_all()
        self.sock = made


class _Pool(UnixHTTPConnectionPool):
    timeout: Any

    def _new_conn(self) -> Any:
        return _Connection(self.base_url, self.socket_path, self.timeout)


class _Adapter(UnixHTTPAdapter):
    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        del proxies
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = self.pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
        return pool

"""An ssh that logs in nowhere: what it is to do stands in the file FAKE_SSH, and its arguments go to that with .argv.

"forward" hands connections on to the socket that is "far"; "hang" never gets there; all else is said, as by an ssh that
fails.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def carry(connection: socket.socket, far: str) -> None:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(far)
    except OSError:
        print("channel 1: open failed: connect failed: open failed", file=sys.stderr, flush=True)
        connection.close()
        return
    threading.Thread(target=pump, args=(connection, server), daemon=True).start()
    pump(server, connection)


def main() -> None:
    order = Path(os.environ["FAKE_SSH"])
    order.with_suffix(".argv").write_text(json.dumps(sys.argv[1:]))
    order.with_suffix(".pid").write_text(f"{os.getpid()}\n")
    what = order.read_text()
    if what == "hang":
        time.sleep(1000)
    if what != "forward":
        sys.exit(what)
    near, far = sys.argv[sys.argv.index("-L") + 1].split(":")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(near)
    listener.listen()
    while True:
        threading.Thread(target=carry, args=(listener.accept()[0], far), daemon=True).start()


main()

"""Projects whose hooks tell how far they are in a folder of the test, and an index that never answers in time."""

from __future__ import annotations

import hashlib
import http.server
import threading
from pathlib import Path

import local_index
import projects
from containers import SECONDS, TOLD

HANG = """
import signal, subprocess, time
def {hook}(folder=None, *args):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    daemon = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
    subprocess.Popen(daemon)
    subprocess.Popen(daemon, start_new_session=True)
    open("{told}/reached", "w").close()
    time.sleep(600)
"""
WAIT = """
import time
def get_requires_for_build_wheel(config_settings=None):
    open("{told}/reached", "w").close()
    while not os.path.exists("{told}/go"):
        time.sleep(0.01)
    return []
"""
# Machine code that no compiler is needed for: a library of the interpreter's own; and much that cannot be compressed.
HEAVY = """
TAG = "cp311-cp311-linux_x86_64"
def write_wheel(path, files, plain=write_wheel):
    import _ctypes_test
    files["_demo.so"] = Path(_ctypes_test.__file__).read_bytes()
    files["noise"] = os.urandom(200 * 1024 ** 2)
    plain(path, files)
"""


def hanging(root: Path, hook: str) -> Path:
    """Make a project whose hook says that it was reached and then hangs, with two stubborn children."""
    return projects.silent(root, HANG.format(hook=hook, told=TOLD))


def waiting(root: Path, requires: str = "[]") -> Path:
    """Make a project whose first hook waits until it is told to go on."""
    return projects.silent(root, WAIT.format(told=TOLD), requires=requires)


def heavy(root: Path) -> Path:
    """Make a project whose wheel takes seconds to repair."""
    return projects.silent(root, HEAVY)


class SlowIndex:
    """An index of one distribution, `slow`, where paths below one folder never answer; a context manager.

    :param gateway: the address of this machine, as containers see it
    :param path: `simple` for its pages, `files` for the wheel
    :param code: of the distribution's module
    """

    def __init__(self, gateway: str, path: str | None = None, code: str = "") -> None:
        self._slow = path
        self._reached = threading.Event()
        self._ended = threading.Event()
        index = self
        wheel = local_index.wheel("slow", "1.0", code)
        metadata = b"Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n"
        hashes = [hashlib.sha256(content).hexdigest() for content in (wheel, metadata)]
        name = "slow-1.0-py3-none-any.whl"
        page = f'<a href="/files/{name}#sha256={hashes[0]}" data-core-metadata="sha256={hashes[1]}">{name}</a>'
        answers = {
            "/simple/slow/": page.encode(),
            f"/files/{name}.metadata": metadata,
            f"/files/{name}": wheel,
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = answers.get(self.path)
                index.pass_by(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Type", "text/html" if "simple" in self.path else "application/octet-stream")
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((gateway, 0), Handler)
        self._server.daemon_threads = True
        url = f"http://{gateway}:{self._server.server_address[1]}/simple/"
        self.variables = {
            **dict.fromkeys(("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), url),
            "PIP_TRUSTED_HOST": gateway,
            "NO_PROXY": gateway,
            "no_proxy": gateway,
        }

    def __enter__(self) -> SlowIndex:  # noqa: PYI034 - typing.Self came with 3.11
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def slow_down(self) -> None:
        """Have pages never answer from now on."""
        self._slow = "simple"

    def wait(self) -> None:
        """Wait until somebody asks for what never comes."""
        assert self._reached.wait(SECONDS), "nobody asked the index"

    def pass_by(self, path: str) -> None:
        """Take the time of a slow index, if that is a path where it is one."""
        if self._slow and path.startswith(f"/{self._slow}/") and not path.endswith(".metadata"):
            self._reached.set()
            self._ended.wait(SECONDS)

"""A small index on this machine, whose files come and go as a test wants."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import threading
import zipfile
from http import HTTPStatus

import projects

TEXT = "application/vnd.pypi.simple.v1+json"
LONG_AGO = "2020-01-01T00:00:00Z"
# A distribution with a backend that says in what it builds which version it is, and which Python ran it.
MARKED = '"demo.py": f"{MADE_BY} {sys.version_info[0]}.{sys.version_info[1]} {sys.prefix}".encode()'
NAMED = """

def _named(hook):
    def named(*args, **settings):
        globals()["NAME"] = Path("name").read_text()
        return hook(*args, **settings)
    return named

build_sdist, build_wheel = _named(build_sdist), _named(build_wheel)
"""


def backend(version: str, change: str = "") -> str:
    """Return the module of a version of the backend."""
    assert '"demo.py": b""' in projects.BACKEND
    text = projects.BACKEND.replace('"demo.py": b""', MARKED)
    return f"{text}\n\n{projects.SILENT}\nMADE_BY = {version!r}\n{change}\n{NAMED}"


def wheel(name: str, version: str, code: str) -> bytes:
    """Return a wheel with one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()


class Index:
    """Answers as an index does; a context manager that serves.

    :param account: `USER:PASSWORD` that it wants to see; none for everybody
    """

    def __init__(self, account: str = "") -> None:
        self._account = account
        self._wheels: dict[str, dict[str, bytes]] = {}
        self._times: dict[tuple[str, str], str] = {}
        self._yanked: set[tuple[str, str]] = set()

    def __enter__(self) -> Index:  # noqa: PYI034 - typing.Self came with 3.11
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                self.wfile.write(self._answer())

            def _answer(self) -> bytes:
                if not index.knows(self.headers["Authorization"]):
                    self.send_response(HTTPStatus.UNAUTHORIZED)
                    self.send_header("WWW-Authenticate", 'Basic realm="index"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return b""
                content = index.answer(self.path)
                self.send_response(HTTPStatus.NOT_FOUND if content is None else HTTPStatus.OK)
                self.send_header("Content-Type", "application/octet-stream" if ".whl" in self.path else TEXT)
                self.send_header("Content-Length", str(len(content or b"")))
                self.send_header("Cache-Control", "no-cache")
                self.end_headers()
                return content or b""

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def knows(self, authorization: str | None) -> bool:
        """Tell whether a request comes from who may ask."""
        return not self._account or authorization == f"Basic {base64.b64encode(self._account.encode()).decode()}"

    def close(self) -> None:
        """Be out of reach from now on."""
        self._server.shutdown()
        self._server.server_close()

    def publish(self, name: str, version: str, code: str = "", *, time: str = LONG_AGO) -> None:
        """Have one more version."""
        self._times[name, version] = time
        # Another one, for somebody may be reading the one that there is.
        self._wheels[name] = {**self._wheels.get(name, {}), version: wheel(name, version, code)}

    def yank(self, name: str, version: str) -> None:
        """Mark a version as one that nobody should take."""
        self._yanked.add((name, version))

    def remove(self, name: str, version: str) -> None:
        """Have a version no more."""
        del self._wheels[name][version]

    def answer(self, path: str) -> bytes | None:
        """Return what there is at a path."""
        folder, _, rest = path.strip("/").partition("/")
        name, _, version = rest.partition("/")[0].partition("-")
        wheels = self._wheels.get(name, {})
        if folder != "simple":
            return wheels.get(version)
        return self._page(name, wheels) if wheels else None

    def _page(self, name: str, wheels: dict[str, bytes]) -> bytes:
        files = [
            {
                "filename": f"{name}-{version}-py3-none-any.whl",
                "url": f"/files/{name}-{version}/{name}-{version}-py3-none-any.whl",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": self._times[name, version],
                "yanked": (name, version) in self._yanked,
                "size": len(content),
            }
            for version, content in wheels.items()
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files}).encode()

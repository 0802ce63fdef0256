"""An engine is connected to as its endpoint says, with TLS or without, and what fails is said in words."""

from __future__ import annotations

import contextlib
import gc
import shutil
import socket
import socketserver
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from certificates import Authority
from engines import DOCKER, PODMAN, UPGRADED, Handler, fake_engine, tls_server

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.attachment import Attachment
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect

TIMEOUT = 10.0
MARK = b"0123456789abcdef"
STREAMS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def ours(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.issue(tmp_path_factory.mktemp("tls") / "ours")


def at(port: int, certificates: Path | str = "", **more: bool) -> Endpoint:
    return Endpoint(f"tcp://127.0.0.1:{port}", str(certificates), source="DOCKER_HOST", **more)


def refusal(endpoint: Endpoint) -> str:
    """Return the letter about an engine that cannot be used."""
    letter = _refusal(endpoint)
    # So that a socket which was left open is this test's failure.
    gc.collect()
    assert letter.startswith(("No container engine answers at", "The container engine at"))
    return letter


def _refusal(endpoint: Endpoint) -> str:
    try:
        connect(endpoint, TIMEOUT).close()
    except IsolationError as error:
        return str(error)
    raise AssertionError("it answers")


@pytest.mark.parametrize("address", ["tcp//jane:hunter2@here:2375", "jane:hunter2@here", "jane:hun/ter2@here"])
def test_an_address_with_an_account_and_without_a_scheme_is_not_shown(address: str) -> None:
    letter = _refusal(Endpoint(address, source="DOCKER_HOST"))
    assert "DOCKER_HOST" in letter
    assert not [word for word in ("hunter2", "ter2", "jane") if word in letter]


def test_an_engine_says_what_it_is(tmp_path: Path) -> None:
    for facts, is_podman in ((DOCKER, False), (PODMAN, True)):
        with fake_engine(tmp_path / f"{is_podman}.sock", facts=facts):
            engine = connect(Endpoint(f"unix://{tmp_path}/{is_podman}.sock"), TIMEOUT)
            engine.close()
        assert (engine.is_podman, engine.version) == (is_podman, facts["Version"])


def test_an_engine_that_never_answers_whoever_attaches_is_not_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "d.sock"
    with fake_engine(place):
        engine = connect(Endpoint(f"unix://{place}"), 1.0)
    place.unlink(missing_ok=True)
    with contextlib.closing(engine), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        with pytest.raises(requests.Timeout):
            engine.api.attach_socket("c", params={"stdin": 1})


@pytest.mark.parametrize(
    ("answer", "has_started"),
    [
        ((200, {"State": {"Status": "running"}}), True),
        ((200, {"State": {"Status": "exited"}}), True),
        ((200, {"State": {"Status": "created"}}), False),
        ((200, {"State": None}), True),
        ((200, []), True),
        ((404, {"message": "no such container"}), True),
    ],
)
def test_a_container_that_was_never_started_is_noticed(
    tmp_path: Path, answer: tuple[int, Any], has_started: bool
) -> None:
    """An engine may have said that it started it: whoever then waits for the container waits for ever."""
    with fake_engine(tmp_path / "d.sock") as server:
        server.answers["GET /containers/c/json"] = answer
        engine = connect(Endpoint(f"unix://{tmp_path}/d.sock"), TIMEOUT)
        assert engine.has_started("c") is has_started
        engine.close()
    assert not engine.has_started("c"), "it does not answer any more"


def test_the_user_knows_an_engine_by_another_address_than_that_of_a_forward(tmp_path: Path) -> None:
    with fake_engine(tmp_path / "near.sock"):
        engine = connect(Endpoint("ssh://far", near=f"unix://{tmp_path}/near.sock"), TIMEOUT)
        engine.close()
    assert engine.address == "ssh://far"


def test_an_engine_of_an_old_api_is_refused(tmp_path: Path) -> None:
    with fake_engine(tmp_path / "d.sock", facts={"Version": "19.03", "ApiVersion": "1.40"}):
        assert "too old" in refusal(Endpoint(f"unix://{tmp_path}/d.sock"))


@pytest.mark.parametrize("facts", [{}, [], "1.44", {"ApiVersion": None}, {"ApiVersion": "v1"}])
def test_what_answers_and_is_no_engine_is_told_as_such(tmp_path: Path, facts: Any) -> None:
    with fake_engine(tmp_path / "d.sock", facts=facts):
        assert "What answers there is something else." in refusal(Endpoint(f"unix://{tmp_path}/d.sock"))


def test_where_no_engine_is_nothing_answers(tmp_path: Path) -> None:
    letter = refusal(Endpoint(f"unix://{tmp_path}/d.sock", source="the default"))
    assert "(the default)\nNo such file or directory.\nStart Docker or podman" in letter


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:99999", "Port out of range 0-65535."),
        ("tcp://127.0.0.1:abc", "Port could not be cast to integer value"),
        ("tcp://[::1", "Invalid IPv6 URL."),
        ("npipe:////./pipe/engine", "Only Windows has named pipes."),
    ],
)
def test_an_address_that_is_none_is_told_as_such(address: str, words: str) -> None:
    letter = refusal(Endpoint(address, source="DOCKER_HOST"))
    assert letter.startswith(f"No container engine answers at {address} (DOCKER_HOST)\n{words}")


def test_a_socket_that_one_may_not_use_is_told_from_one_without_an_engine(as_nobody: Path) -> None:
    place = as_nobody / "d.sock"
    with fake_engine(place):
        place.chmod(0o000)
        assert "Permission denied.\nAdd yourself to the group" in refusal(Endpoint(f"unix://{place}"))


@needs_openssl
def test_tls_needs_certificates_of_both_ends(ours: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A bundle for indexes is none for engines.
    (tmp_path / "bundle.pem").write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    with fake_engine(tls=tls_server(ours)) as server:
        connect(at(server.server_address[1], ours), TIMEOUT).close()


@needs_openssl
def test_an_engine_of_a_strange_authority_is_refused_unless_nobody_is_to_check(ours: Path, tmp_path: Path) -> None:
    strange = Authority(tmp_path / "authority").issue(tmp_path / "strange")
    with fake_engine(tls=tls_server(strange, needs_client=False)) as server:
        port = server.server_address[1]
        assert f"Put the CA that signed the engine's certificate into {ours} as ca.pem" in refusal(at(port, ours))
        connect(at(port, ours, is_verified=False), TIMEOUT).close()


@needs_openssl
@pytest.mark.parametrize(
    ("issued", "words"),
    [
        ({"days": -1}, "certificate has expired.\nRenew the engine's certificate"),
        ({"names": "DNS:elsewhere"}, "'127.0.0.1'.\nName the engine as its certificate does"),
    ],
)
def test_a_certificate_that_does_not_hold_is_refused(
    ours: Path, authority: Authority, tmp_path: Path, issued: dict[str, object], words: str
) -> None:
    theirs = authority.issue(tmp_path / "theirs", **issued)  # type: ignore[arg-type]
    with fake_engine(tls=tls_server(theirs)) as server:
        assert words in refusal(at(server.server_address[1], ours))


@needs_openssl
def test_an_engine_that_wants_a_certificate_gets_one_or_says_so(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes((ours / "ca.pem").read_bytes())
    with fake_engine(tls=tls_server(ours)) as server:
        letter = refusal(at(server.server_address[1], tmp_path))
    assert f"Put a certificate that the engine accepts, and its key, into {tmp_path} as cert.pem and key.pem" in letter
    assert "Max retries" not in letter


@needs_openssl
def test_tls_to_an_engine_without_it_and_none_to_one_with_it_are_explained(ours: Path) -> None:
    with fake_engine() as server:
        assert "Does the engine speak TLS at this port?" in refusal(at(server.server_address[1], ours))
        server.answers["GET /version"] = (400, {"message": "Client sent an HTTP request to an HTTPS server."})
        assert "Set DOCKER_TLS_VERIFY=1" in refusal(at(server.server_address[1]))


def test_a_certificate_without_its_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    assert "certificate and key" in refusal(at(1, tmp_path))


def framed(stream: int, content: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


class Relay(socketserver.ThreadingTCPServer):
    """Hands on what a client and a server say, the server's words only up to a limit."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        self.left = 1 << 30
        self._port = port
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        del client_address
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            threading.Thread(target=self._pump, args=(request, server.sendall), daemon=True).start()
            self._pump(server, lambda piece: request.sendall(self._limited(piece)))

    def _limited(self, piece: bytes) -> bytes:
        count = min(self.left, len(piece))
        self.left -= count
        return piece[:count]

    def _pump(self, source: socket.socket, send: Callable[[bytes], object]) -> None:
        try:
            while piece := source.recv(65536):
                send(piece)
        except OSError:
            return


@pytest.fixture
def attach(ours: Path) -> Iterator[Callable[..., Attachment]]:
    """Attach to a container of an engine with TLS, whose end of the connection a test writes; perhaps past a relay."""
    made: list[Attachment] = []
    with fake_engine(tls=tls_server(ours)) as server, Relay(server.server_address[1]) as relay:
        threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

        def attach(theirs: Callable[[ssl.SSLSocket, Relay], object]) -> Attachment:
            def talk(handler: Handler) -> None:
                handler.connection.sendall(UPGRADED)
                theirs(handler.connection, relay)

            server.answers["POST /containers/one/attach"] = talk
            engine = connect(at(relay.server_address[1], ours), TIMEOUT)
            made.append(Attachment(engine.api.attach_socket("one", params=STREAMS), MARK))
            return made[-1]

        yield attach
        for one in made:
            one.close()
        relay.shutdown()


@needs_openssl
def test_pieces_that_come_in_one_record_of_tls_all_arrive(attach: Callable[..., Attachment]) -> None:
    pieces = b"".join(framed(1, bytes([0, 0, 0, 8]) + b'{"n": %d}' % n) for n in range(10))
    attachment = attach(lambda connection, _: (connection.sendall(pieces), connection.recv(1)))
    assert [attachment.receive(None) for _ in range(10)] == [{"n": n} for n in range(10)]


@needs_openssl
@pytest.mark.parametrize("left", [0, 3, 500])
def test_waiting_for_nothing_or_for_the_rest_of_a_record_is_ended_from_another_thread(
    attach: Callable[..., Attachment], left: int
) -> None:
    def break_off(connection: ssl.SSLSocket, relay: Relay) -> None:
        connection.recv(100)
        relay.left = left
        connection.sendall(framed(1, bytes(1000)))
        connection.recv(1)

    attachment = attach(break_off)
    attachment.send({"run": []})
    threading.Timer(0.3, attachment.end).start()
    began = time.monotonic()
    assert attachment.receive(None) is None
    assert 0.2 < time.monotonic() - began < 1.3


def test_an_attachment_without_tls_is_closed_too(tmp_path: Path) -> None:
    ended = threading.Event()

    def talk(handler: Handler) -> None:
        handler.connection.sendall(UPGRADED)
        while handler.connection.recv(100):
            pass
        ended.set()

    with fake_engine(tmp_path / "d.sock") as server:
        server.answers["POST /containers/one/attach"] = talk
        engine = connect(Endpoint(f"unix://{tmp_path}/d.sock"), TIMEOUT)
        attachment = Attachment(engine.api.attach_socket("one", params=STREAMS), MARK)
        attachment.send({"run": []})
        attachment.close()
        attachment.close()
        assert ended.wait(TIMEOUT)
        engine.close()


@needs_openssl
def test_what_is_sent_arrives_and_the_end_of_the_connection_is_the_end_of_the_container(
    attach: Callable[..., Attachment],
) -> None:
    heard = bytearray()
    attachment = attach(lambda connection, _: heard.extend(connection.recv(100)))
    attachment.send({"run": []})
    assert attachment.receive(None) is None
    assert heard.endswith(b'{"run": []}')


@pytest.mark.parametrize("address", ["tcp://jane:s3/cret@127.0.0.1:1", "tcp://jane:s3cret@127.0.0.1:1"])
def test_an_address_that_cannot_be_one_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(IsolationError) as caught:
        connect(Endpoint(address, source="DOCKER_HOST"), TIMEOUT)
    shown = "".join(traceback.format_exception(caught.value))
    assert "No container engine answers at tcp://****@127.0.0.1:1 (DOCKER_HOST)" in shown
    assert "s3" not in shown

"""An engine behind ssh is reached through one forward, which ends with whoever wanted it, however that ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import fake_engine
from support import is_alive, is_gone, make_context, pid_in, wait_for

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import connect
from headless_wheel_builder.isolation.docker.forward import reachable
from headless_wheel_builder.process import Cancelled, Processes

FAKE = Path(__file__).with_name("fake_ssh.py")
TIMEOUT = 20.0
KEEPS = """
import sys, time
sys.path[:0] = {path!r}
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.forward import reachable
with reachable(Endpoint({address!r}), Context(environ={environ!r}), 20):
    print("there", flush=True)
    time.sleep(1000)
"""


class Far:
    """A machine with an engine, and an ssh that gets there or not."""

    def __init__(self, folder: Path) -> None:
        self.order = folder / "ssh.txt"
        self.socket = folder / "far.sock"
        self.endpoint = Endpoint(f"ssh://me@far:2222{self.socket}", source="DOCKER_HOST")
        program = folder / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
        program.chmod(0o755)
        self.environ = {"PATH": str(program.parent), "FAKE_SSH": str(self.order)}
        self.processes = Processes()

    def does(self, what: str) -> None:
        self.order.write_text(what)

    @property
    def context(self) -> Context:
        return make_context(environ=self.environ, processes=self.processes)

    @property
    def pid(self) -> int:
        return pid_in(self.order.with_suffix(".pid"))

    def failure(self, timeout: float = TIMEOUT) -> IsolationError:
        """Return the letter about a way that leads nowhere."""
        with pytest.raises(IsolationError) as caught, reachable(self.endpoint, self.context, timeout):
            pass
        return caught.value


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be the folder where temporary ones are made, with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def far(tmp_path: Path, temporary: Path) -> Iterator[Far]:
    """Be far away, and see to it that nothing is left here."""
    yield Far(tmp_path)
    wait_for(lambda: list(temporary.iterdir()) == [])


def test_another_endpoint_is_connected_to_as_it_is() -> None:
    endpoint = Endpoint("tcp://127.0.0.1:1")
    with reachable(endpoint, make_context(environ={}), TIMEOUT) as near:
        assert near is endpoint


def test_all_connections_go_through_one_ssh_that_ends_with_the_block(far: Far, temporary: Path) -> None:
    far.does("forward")
    with fake_engine(far.socket), reachable(far.endpoint, far.context, TIMEOUT) as near:
        folder = next(temporary.iterdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        pid = far.pid
        for _ in range(2):
            engine = connect(near, TIMEOUT)
            assert engine.address == far.endpoint.address
            engine.close()
        assert far.pid == pid
    assert is_gone(pid)
    argv = json.loads(far.order.with_suffix(".argv").read_text())
    assert argv[-7:] == ["-L", f"{folder}/engine.sock:{far.socket}", "-p", "2222", "-l", "me", "--", "far"][-7:]
    assert "-oBatchMode=yes" in argv
    assert "-oServerAliveInterval=15" in argv


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Host key verification failed.", "Log in once, to check the key of the machine: ssh -p 2222 -l me far"),
        ("me@far: Permission denied (publickey).", "Load a key that the account accepts into the agent (ssh-add)"),
        ("ssh: Could not resolve hostname far: unknown", "Is the name right?"),
        ("ssh: connect to host far port 2222: Connection refused", "Try: ssh -p 2222 -l me far"),
    ],
)
def test_what_ssh_says_when_it_does_not_get_there_is_the_cause(far: Far, said: str, hint: str) -> None:
    far.does(said)
    letter = far.failure()
    assert letter.message == f"No container engine answers at {far.endpoint.address} (DOCKER_HOST)"
    assert letter.cause == said
    assert letter.hint.startswith(hint)


def test_where_no_engine_listens_ssh_says_so(far: Far) -> None:
    far.does("forward")
    letter = far.failure()
    assert letter.cause == "channel 1: open failed: connect failed: open failed"
    assert letter.hint.startswith(f"Is {far.socket} the engine's socket")
    assert is_gone(far.pid)


def test_an_ssh_that_takes_too_long_is_ended(far: Far) -> None:
    far.does("hang")
    assert far.failure(timeout=3.0).cause == "ssh got no answer in 3 seconds."
    assert is_gone(far.pid)


def test_without_ssh_there_is_no_way(far: Far) -> None:
    far.environ["PATH"] = os.defpath.replace("/bin", "/none")
    assert far.failure().cause == "There is no program named ssh on PATH."


def test_a_cancellation_ends_the_waiting(far: Far) -> None:
    far.does("hang")
    began: list[float] = []

    def cancel() -> None:
        # Once ssh has started, however long that takes.
        assert far.pid
        began.append(time.monotonic())
        far.processes.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(Cancelled), reachable(far.endpoint, far.context, TIMEOUT):
        pass
    assert time.monotonic() - began[0] < 5
    assert is_gone(far.pid)


def test_what_is_on_the_engine_can_be_removed_after_a_cancellation(far: Far) -> None:
    far.does("forward")
    with fake_engine(far.socket), reachable(far.endpoint, far.context, TIMEOUT) as near:
        far.processes.cancel()
        connect(near, TIMEOUT).close()
        assert is_alive(far.pid)
    assert is_gone(far.pid)


def test_a_second_cancellation_ends_it_at_once(far: Far) -> None:
    far.does("forward")
    with fake_engine(far.socket), reachable(far.endpoint, far.context, TIMEOUT):
        far.processes.cancel()
        far.processes.cancel()
        assert is_gone(far.pid)


def test_an_error_after_the_connection_was_lost_says_so(far: Far) -> None:
    far.does("forward")

    def lose() -> None:
        with fake_engine(far.socket), reachable(far.endpoint, far.context, TIMEOUT):
            os.kill(far.pid, signal.SIGKILL)
            raise IsolationError("The container is gone")

    with pytest.raises(IsolationError, match=r"The connection to ssh://.* was lost") as caught:
        lose()
    assert str(caught.value.__cause__) == "The container is gone"


def test_another_error_is_handed_on(far: Far) -> None:
    far.does("forward")
    with (
        fake_engine(far.socket),
        pytest.raises(IsolationError, match="The image is gone"),
        reachable(far.endpoint, far.context, TIMEOUT),
    ):
        raise IsolationError("The image is gone")


def test_a_path_that_ssh_would_not_take_as_it_is_is_not_used(far: Far, temporary: Path) -> None:
    odd = temporary / "100%:"
    odd.mkdir()
    far.does("forward")
    with pytest.MonkeyPatch.context() as patch, fake_engine(far.socket):
        patch.setattr("tempfile.tempdir", str(odd))
        with reachable(far.endpoint, far.context, TIMEOUT) as near:
            assert near.url.startswith("unix:///tmp/hwb-")
    shutil.rmtree(odd)


def test_nothing_is_left_of_a_frontend_that_is_killed(far: Far, temporary: Path) -> None:
    far.does("forward")
    program = KEEPS.format(path=sys.path, address=far.endpoint.address, environ=far.environ)
    environ = {**os.environ, "TMPDIR": str(temporary)}
    with (
        fake_engine(far.socket),
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ) as frontend,
    ):
        assert frontend.stdout is not None
        said = frontend.stdout.readline()
        was_alive, folders = is_alive(far.pid), list(temporary.iterdir())
        frontend.kill()
        assert (said, was_alive, len(folders)) == (b"there\n", True, 1)
        assert is_gone(far.pid)

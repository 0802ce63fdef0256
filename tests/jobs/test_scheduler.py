"""What needs no scheduler; the rest is tried with real ones in integration/."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headless_wheel_builder.errors import IsolationError, RequestError
from headless_wheel_builder.jobs import scheduler as module
from headless_wheel_builder.jobs.scheduler import Scheduler, check_address, connected
from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.redaction import redacted


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:8786",
        "tcp://127.0.0.1",
        "tcp://127.8.9.10:8786",
        "tcp://[::1]:8786",
        "tcp://localhost:8786",
        "tls://127.0.0.1:8786",
        "tls://builds.example.org:8786",
        "tls://[2001:db8::1]:8786",
    ],
)
def test_an_address_of_this_machine_or_behind_tls_is_accepted(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://builds.example.org:8786",
        "tcp://192.0.2.1:8786",
        "tcp://0.0.0.0:8786",
        "tcp://[::]:8786",
        "tcp://[2001:db8::1]:8786",
        "tcp://127.0.0.1.example.org:8786",
        "tcp://localhost.example.org:8786",
        "tcp://127.0.0.1:1@example.org:8786",
        "tcp://",
        "tcp://:8786",
        "http://127.0.0.1:8786",
        "ws://127.0.0.1:8786",
        "ucx://127.0.0.1:8786",
        "inproc://127.0.0.1/1/1",
        "127.0.0.1:8786",
        "localhost:8786",
        "localhost",
        "",
        "tls://",
        "tls:builds.example.org:8786",
        "TCP://192.0.2.1:8786",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(RequestError, match=r"cannot be used safely|is no address of a scheduler") as refused:
        check_address(address)
    assert redacted(address) in refused.value.message
    assert "tls://HOST:PORT" in refused.value.hint


def test_an_address_is_refused_before_anything_is_imported_or_connected() -> None:
    program = """
import sys
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.jobs.scheduler import connected
from headless_wheel_builder.process import Processes
try:
    with connected("tcp://192.0.2.1:8786", Processes()):
        pass
except RequestError:
    sys.exit("distributed" in sys.modules or "dask" in sys.modules)
sys.exit("it was not refused")
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_dask_the_letter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RequestError, match="needs dask") as refused, connected("tcp://127.0.0.1:1", Processes()):
        pass
    assert "pip install 'headless-wheel-builder[dask]'" in refused.value.hint


class Client:
    """A client of dask whose scheduler answers when and how the test says."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    def subscribe_topic(self, topic: str, handler: object) -> None:
        """Nothing is ever logged."""

    def scheduler_info(self, **_: object) -> Any:
        return self._answer()


@pytest.fixture
def never() -> Iterator[Callable[[], Any]]:
    """Give what does not answer before the test is over."""
    over = threading.Event()
    yield over.wait
    over.set()


def slots(answer: Callable[[], Any], processes: Processes) -> int:
    client: Any = Client(answer)
    return Scheduler(client, processes).slots


def test_an_answer_in_time_is_what_is_known() -> None:
    assert slots(lambda: {"workers": {"one": {"nthreads": 2}, "other": {"nthreads": 3}}}, Processes()) == 5


def test_who_does_not_answer_is_not_waited_for_when_the_run_is_cancelled(never: Callable[[], Any]) -> None:
    processes = Processes()
    threading.Timer(0.1, processes.cancel).start()
    with pytest.raises(Cancelled):
        slots(never, processes)


def test_who_does_not_answer_is_not_waited_for_without_end(
    never: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.1)
    with pytest.raises(IsolationError, match="does not answer any more"):
        slots(never, Processes())


def test_a_connection_that_is_lost_is_told_as_such() -> None:
    def lost() -> Any:
        raise OSError("Stream is closed")

    with pytest.raises(IsolationError, match="does not answer any more") as caught:
        slots(lost, Processes())
    assert caught.value.cause == "Stream is closed."

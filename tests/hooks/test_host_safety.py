"""Nothing outlives a host, whoever ends it, and nothing that a backend does to it harms the build."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hosts import Way, Ways, backend, frontend, look, marked
from support import is_alive, is_gone, pid_in, wait_for

from headless_wheel_builder.events import HookOutput
from headless_wheel_builder.hooks.channel import LONGEST_FRAME, Channel
from headless_wheel_builder.process import Cancelled

NOTE = """
import os, signal, subprocess, time

def note(name, pid):
    with open(name + ".new", "w") as file:
        file.write(f"{pid}\\n")
    os.rename(name + ".new", name)
"""
# A hook that says who it is, has a child in its group, and stays.
STAY = """
child = subprocess.Popen(["/bin/sleep", "60"])
note("host", os.getppid())
note("child", child.pid)
note("hook", os.getpid())
time.sleep(60)
"""
# The name of the process tells: nothing else that an import may do is seen from outside.
IMPORTING = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'importing')\ntime.sleep(60)"
KILLED = ("HookFailedError", "build_sdist", -9)


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    return Ways(tmp_path)


class Running:
    """A thread that calls the hook."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.answer: object = None
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        try:
            self.answer = self.way.call()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.answer = error

    def pid(self, name: str) -> int:
        return pid_in(self.way.source / name)

    def pids(self) -> list[int]:
        return [self.pid(name) for name in ("hook", "child", "host")]

    def end(self) -> object:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.answer


@pytest.fixture
def staying(ways: Ways) -> Iterator[Running]:
    ways.write(backend(NOTE, STAY))
    with ways.way() as way:
        running = Running(way)
        running.pids()
        yield running


def importing(alive: Callable[[], list[int]]) -> int:
    """Wait until a host imports, and return its process id."""

    def found() -> list[int]:
        return [pid for pid in alive() if look(pid, "comm") == b"importing\n"]

    wait_for(found)
    return found()[0]


def test_a_killed_host_is_a_killed_hook_with_its_group_and_the_next_gets_an_interpreter(staying: Running) -> None:
    hook, child, host = staying.pids()
    os.kill(host, signal.SIGKILL)
    answer = staying.end()
    assert isinstance(answer, tuple)
    assert answer[:3] == KILLED
    assert is_gone(hook)
    assert is_gone(child)
    (staying.way.place / "backend.py").write_text(backend("import os", "return 'again'"))
    assert staying.way.call() == "again"
    assert staying.way.reasons == ["Each hook gets a fresh interpreter: of the backend, its host ended"]


def test_a_host_that_is_killed_between_hooks_is_replaced(ways: Ways) -> None:
    ways.write(backend("import os", "return str(os.getppid())"))
    with ways.way() as way:
        os.kill(int(str(way.call())), signal.SIGKILL)
        assert way.call() == str(os.getpid())
        assert len(way.reasons) == 1


def test_a_host_that_is_stopped_is_ended_by_the_second_cancel(staying: Running) -> None:
    pids = staying.pids()
    os.kill(pids[2], signal.SIGSTOP)
    staying.way.processes.cancel()
    staying.way.processes.cancel()
    assert isinstance(staying.end(), Cancelled)
    assert all(map(is_gone, pids))


def test_a_hook_is_asked_to_end_when_the_build_is_cancelled(ways: Ways) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *_: (note('cleaned', 1), os._exit(0)))\n"
    ways.write(backend(NOTE, code + STAY))
    with ways.way() as way:
        running = Running(way)
        pids = running.pids()
        way.processes.cancel()
        assert isinstance(running.end(), Cancelled)
        assert (way.source / "cleaned").exists()
        way.close()
        assert all(map(is_gone, pids))


def test_a_hook_without_a_handler_is_ended_by_the_signal_at_once(staying: Running) -> None:
    began = time.monotonic()
    staying.way.processes.cancel()
    assert isinstance(staying.end(), Cancelled)
    assert time.monotonic() - began < 0.9
    assert is_gone(staying.pid("child"))


def test_a_hook_is_killed_when_the_build_is_cancelled_twice(ways: Ways) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *_: note('asked', 1))\nsubprocess.Popen(['/bin/sleep', '60'])\n"
    ways.write(backend(NOTE, code + STAY))
    with ways.way() as way:
        way.processes._grace = 60  # noqa: SLF001 - not by its end
        running = Running(way)
        pids = running.pids()
        way.processes.cancel()
        wait_for((way.source / "asked").exists)
        assert is_alive(pids[0])
        way.processes.cancel()
        assert isinstance(running.end(), Cancelled)
        assert all(map(is_gone, pids))


def test_a_hook_that_ignores_the_signal_is_killed_after_the_grace_period(ways: Ways) -> None:
    ways.write(backend(NOTE, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STAY))
    with ways.way() as way:
        running = Running(way)
        pids = running.pids()
        way.processes.cancel()
        assert isinstance(running.end(), Cancelled)
        assert all(map(is_gone, pids))


def test_a_build_that_is_cancelled_during_the_import_ends_at_once(ways: Ways) -> None:
    ways.write(backend(IMPORTING))
    with ways.way() as way:
        running = Running(way)
        host = importing(way.alive)
        began = time.monotonic()
        way.processes.cancel()
        assert isinstance(running.end(), Cancelled)
        assert time.monotonic() - began < 0.9
        assert is_gone(host)
        assert way.reasons == []


def test_a_host_that_nobody_has_used_is_closed_during_the_import(ways: Ways) -> None:
    ways.write(backend(IMPORTING))
    with ways.way() as way:
        host = importing(way.alive)
        way.close()
        assert is_gone(host)


def test_a_build_that_is_cancelled_between_hooks_calls_no_more(ways: Ways) -> None:
    ways.write(backend("import os", "return str(os.getppid())"))
    with ways.way() as way:
        host = int(str(way.call()))
        way.processes.cancel()
        with pytest.raises(Cancelled):
            way.call()
        assert is_gone(host)
        assert way.reasons == []


def killed_frontend(ways: Ways, until: Callable[[Path], list[int]]) -> list[int]:
    """Kill a frontend, and return the processes that there were below it."""
    argv, environ = frontend(ways.place, ways.tmp_path / "frontend")
    process = subprocess.Popen(argv, env=environ)
    try:
        return until(ways.tmp_path / "frontend")
    finally:
        process.kill()
        process.wait()


def test_a_killed_frontend_takes_the_host_and_the_hook_and_its_children_with_it(ways: Ways) -> None:
    ways.write(backend(NOTE, STAY))
    pids = killed_frontend(ways, lambda folder: [pid_in(folder / "source" / one) for one in ("hook", "child", "host")])
    assert all(map(is_gone, pids))


def test_a_killed_frontend_takes_a_host_that_imports_with_it(ways: Ways) -> None:
    ways.write(backend(IMPORTING))

    def until(folder: Path) -> list[int]:
        wait_for(lambda: (folder / "mark").exists() and (folder / "mark").read_text())
        mark = (folder / "mark").read_text()
        return [importing(lambda: marked(mark))]

    assert all(map(is_gone, killed_frontend(ways, until)))


# A daemon, as one is made by the book: in a session of its own, without its parent; and one of its own besides.
DAEMON = """
def daemon(name, then=lambda: time.sleep(60)):
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        while not os.path.exists(name):
            time.sleep(0.001)
        return int(open(name).read())
    os.setsid()
    if os.fork():
        os._exit(0)
    note(name, os.getpid())
    then()
    os._exit(0)
"""
DAEMONS = NOTE + DAEMON
TWO_DAEMONS = "daemon('first', lambda: (daemon('second'), time.sleep(60)))\nwhile not os.path.exists('second'): pass\n"


@pytest.mark.parametrize("end", ["return 'x'", "raise SystemExit(1)", "os.kill(os.getpid(), signal.SIGSEGV)"])
@pytest.mark.parametrize("more", ["", "import ctypes"])
def test_daemons_end_with_the_hook_that_started_them(ways: Ways, end: str, more: str) -> None:
    ways.write(backend(DAEMONS + more, TWO_DAEMONS + end))
    with ways.way() as way:
        way.call()
        assert way.reasons == []
        assert all(is_gone(pid_in(way.source / name)) for name in ("first", "second"))


def test_daemons_end_with_a_build_that_is_cancelled(ways: Ways) -> None:
    ways.write(backend(DAEMONS, TWO_DAEMONS + STAY))
    with ways.way() as way:
        running = Running(way)
        pids = [running.pid(name) for name in ("first", "second", "hook")]
        way.processes.cancel()
        assert isinstance(running.end(), Cancelled)
        way.close()
        assert all(map(is_gone, pids))


def test_a_killed_frontend_takes_daemons_with_it(ways: Ways) -> None:
    ways.write(backend(DAEMONS, TWO_DAEMONS + STAY))
    names = ("first", "second", "hook", "child", "host")
    pids = killed_frontend(ways, lambda folder: [pid_in(folder / "source" / one) for one in names])
    assert all(map(is_gone, pids))


def test_a_hook_that_waits_for_the_end_of_a_daemon_sees_it(ways: Ways) -> None:
    # The host is its parent then, and would keep its process id for ever if it did not wait for it.
    code = """
    pid = daemon("first", lambda: None)
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.001)
    return "it has ended"
    """
    ways.write(backend(DAEMONS, code))
    with ways.way() as way:
        assert way.call() == "it has ended"


def test_a_hook_after_a_daemon_is_as_before(ways: Ways) -> None:
    seen = "import sys\nreturn repr(['ctypes' in name for name in sys.modules if 'ctypes' in name])"
    ways.write(backend(DAEMONS, "daemon(f'daemon{os.getpid()}')\n" + seen))
    with ways.way() as way:
        assert [way.call(), way.call()] == ["[]", "[]"]
        assert way.reasons == []


@pytest.mark.parametrize("error", [Cancelled, RuntimeError, KeyboardInterrupt])
def test_a_reporter_that_raises_ends_the_hook(ways: Ways, error: type[BaseException]) -> None:
    ways.write(backend(NOTE, STAY.replace("time.sleep", "print('text', flush=True); time.sleep")))
    with ways.way() as way:
        report = way.recorder.__call__

        def failing(event: object) -> None:
            if isinstance(event, HookOutput):
                raise error

        way.recorder = failing  # type: ignore[assignment]
        running = Running(way)
        pids = running.pids()
        assert type(running.end()) is error
        assert all(map(is_gone, pids))
        way.recorder = report.__self__  # type: ignore[attr-defined]


HOSTILE = """
import os
for descriptor in range(3, 40):
    try:
        for piece in {pieces}:
            os.write(descriptor, piece)
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    "pieces",
    [
        "[b'\\0\\0\\0\\x05gar', b'bage']",
        "[b'\\x7f' * 50]",
        "[b'\\0\\0\\0\\x02[]']",
        "[b'\\0\\0\\0\\x04null']",
        "[b'\\0\\0\\0\\0']",
        "[b'\\0\\0\\x80\\0', b'[' * 0x8000]",
        '[b\'\\0\\0\\0\\x0d{"ended": "x"}\'[:17]]',
        "[b'\\0\\0\\0\\x0e{\"unsafe\": [1]}'[:18]]",
    ],
)
def test_what_a_backend_writes_to_all_descriptors_at_import_does_no_harm(ways: Ways, pieces: str) -> None:
    ways.write(backend(HOSTILE.format(pieces=pieces), "return 'x'"))
    with ways.way() as way:
        assert [way.call(), way.call()] == ["x", "x"]
        assert len(way.reasons) == 1


def test_a_hook_finds_no_descriptor_of_the_host(ways: Ways) -> None:
    code = (
        HOSTILE.format(pieces="[b'\\0\\0\\0\\x05garbage']")
        + "    else:\n        raise ValueError(descriptor)\nreturn 'x'"
    )
    ways.write(backend(in_hook=code))
    with ways.way() as way:
        assert [way.call(), way.call(), way.reasons] == ["x", "x", []]


@pytest.mark.parametrize(
    "body", [b"", b"gar", b"\0\0\0\x05gar", b"\0\0\0\x03gar", b"\0\0\0\x02[]", (LONGEST_FRAME + 1).to_bytes(4, "big")]
)
def test_a_channel_with_something_else_than_frames_is_at_its_end(body: bytes) -> None:
    channel = Channel()
    os.write(channel.theirs[1], body)
    channel.give()
    assert channel.receive() is None
    channel.close()


def test_a_frame_that_nobody_reads_is_lost() -> None:
    channel = Channel()
    channel.give()
    channel.send({"run": "x" * 100_000})
    assert channel.receive() is None
    channel.close()


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid: int) -> int:
    """Return the kilobytes that a process has for itself."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith(("Private_Dirty", "Private_Clean"))
    )


def test_two_hundred_hooks_leave_nothing_in_the_host_or_the_frontend(ways: Ways) -> None:
    ways.write(backend("import os", "return str(os.getppid())"))
    with ways.way() as way:
        host = int([way.call() for _ in range(10)].pop())  # type: ignore[call-overload]
        before = (descriptors(host), descriptors(os.getpid()))
        used = memory(host)
        assert {way.call() for _ in range(190)} == {str(host)}
        assert (descriptors(host), descriptors(os.getpid())) == before
        assert memory(host) - used < 512
        children = Path(f"/proc/{host}/task/{host}/children").read_text().split()
        assert len(children) <= 1
        assert way.reasons == []


def test_a_host_that_is_closed_twice_is_closed(ways: Ways) -> None:
    ways.write(backend())
    with ways.way() as way:
        way.call()
        way.close()
        way.close()
        assert way.alive() == []


def test_hooks_of_another_environment_get_fresh_interpreters(ways: Ways) -> None:
    ways.write(backend("import os", "return os.environ.get('ADDED', '')"))
    with ways.way() as way:
        way.environ = {**way.environ, "ADDED": "1"}
        assert (way.call(), way.reasons) == ("1", [])
        way.environ = {**way.environ, "HOME": "/changed"}
        assert way.call() == "1"
        assert way.reasons == [
            "Each hook gets a fresh interpreter: of the backend, its environment is not that of the host"
        ]

"""Hooks that take too long, or say nothing for too long, are ended, and one is told where they were."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hosts import Way, Ways, backend
from support import wait_for

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import HookOutput
from headless_wheel_builder.hooks import watchdog
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.hooks.watchdog import Patience, Watchdog
from headless_wheel_builder.process import Stop

# A hook with a thread and a process of its own that says where it is, and then nothing any more.
HANGING = """
import subprocess, sys, threading, time
def other_thread():
    time.sleep(600)
threading.Thread(target=other_thread, daemon=True).start()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("about to hang")
open({reached!r}, "w").close()
def hanging():
    time.sleep(600)
hanging()
"""
HOSTED = pytest.mark.parametrize("is_hosted", [True, False], ids=["forked", "fresh"])


class Ends:
    """Stands for a hook: remembers how it was ended."""

    def __init__(self) -> None:
        self.how: list[Stop] = []
        self.is_ended = threading.Event()

    def __call__(self, how: Stop) -> None:
        self.how.append(how)
        self.is_ended.set()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for a dump."""
    monkeypatch.setattr(watchdog, "DUMP_SECONDS", 0.05)


def cause(dog: Watchdog) -> str:
    with pytest.raises(EndedError) as caught:
        dog.check(-9)
    assert caught.value.returncode == -9
    return f"{caught.value.cause} {caught.value.hint}"


def test_a_hook_that_takes_too_long_is_killed() -> None:
    ends = Ends()
    with Watchdog(Patience(timeout=0.01, silence=600), ends) as dog:
        assert ends.is_ended.wait(20)
    assert ends.how == ["kill"]
    assert cause(dog) == "It took longer than 0.01 seconds. Give it more with --hook-timeout."


def test_a_silent_hook_that_ends_when_it_shows_where_it_is_is_not_killed() -> None:
    ends = Ends()
    with Watchdog(Patience(timeout=600, silence=0.01), ends) as dog:
        assert ends.is_ended.wait(20)
    assert ends.how == ["dump"]
    assert cause(dog).startswith("It printed nothing for 0.01 seconds")
    assert "--hook-silence" in cause(dog)


@pytest.mark.usefixtures("short")
def test_a_silent_hook_that_does_not_end_by_that_is_killed() -> None:
    ends = Ends()
    with Watchdog(Patience(silence=0.01), ends):
        wait_for(lambda: ends.how == ["dump", "kill"])


def test_what_a_hook_prints_gives_it_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 17.0))
    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: next(now)))
    printed: list[bytes] = []
    dog = Watchdog(Patience(silence=5, timeout=100), Ends())
    dog.hearing(printed.append)(b"a line\n")
    assert printed == [b"a line\n"]
    assert [moment for moment, _ in dog.deadlines()] == [110.0, 22.0]


def test_a_hook_that_is_in_time_has_nothing_to_answer_for() -> None:
    ends = Ends()
    with Watchdog(Patience(timeout=600, silence=600), ends) as dog:
        pass
    dog.check(0)
    assert ends.how == []
    assert not [one for one in threading.enumerate() if one.name == "watchdog"]


def test_without_limits_nobody_watches() -> None:
    with Watchdog(Patience(), Ends()):
        assert not [one for one in threading.enumerate() if one.name == "watchdog"]


@pytest.mark.parametrize("number", [0.0, -1.0, float("inf"), float("nan"), 1e11])
@pytest.mark.parametrize("name", ["timeout", "silence"])
def test_what_is_no_time_or_longer_than_anything_can_wait_is_refused(name: str, number: float) -> None:
    with pytest.raises(RequestError, match="is no number of seconds for a hook"):
        Patience(**{name: number}).check()
    Patience(**{name: 0.5}).check()


def test_the_longest_time_can_be_waited_for() -> None:
    patience = Patience(timeout=threading.TIMEOUT_MAX, silence=threading.TIMEOUT_MAX)
    patience.check()
    ends = Ends()
    with Watchdog(patience, ends) as dog:
        time.sleep(0.01)
        assert [one for one in threading.enumerate() if one.name == "watchdog"]
    dog.check(0)
    assert ends.how == []


class Hangs:
    """Runs hooks that hang; their time is over as soon as they say that they do."""

    def __init__(self, ways: Ways, reached: Path) -> None:
        self.ways = ways
        self.reached = reached

    def call(self, patience: Patience, *, is_hosted: bool) -> tuple[Way, object]:
        with self.ways.way(is_hosted=is_hosted, patience=patience) as way:
            answer = way.call()
            way.close()
            wait_for(lambda: way.alive() == [])
        return way, answer

    def write(self, at_import: str = "", in_hook: str = "pass") -> None:
        self.ways.write(backend(at_import, f"{in_hook}\nreturn 'x'"))


@pytest.fixture
def hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hangs:
    reached = tmp_path / "reached"
    # Time stands still until then.
    clock = SimpleNamespace(monotonic=lambda: 1e9 + time.monotonic() if reached.exists() else 0.0)
    monkeypatch.setattr(watchdog, "time", clock)
    return Hangs(Ways(tmp_path), reached)


@HOSTED
def test_a_silent_hook_shows_where_it_is_and_ends_with_its_processes(hangs: Hangs, *, is_hosted: bool) -> None:
    hangs.write(in_hook=HANGING.format(reached=os.fspath(hangs.reached)))
    way, answer = hangs.call(Patience(silence=0.05), is_hosted=is_hosted)
    assert isinstance(answer, tuple)
    assert answer[:3] == ("HookFailedError", "build_sdist", -6)
    assert "exited when trying to invoke build_sdist" in answer[3]
    assert "It printed nothing for 0.05 seconds" in answer[3]
    told = "".join(event.text for event in way.recorder.of(HookOutput))
    assert told.startswith("about to hang\n")
    assert "Current thread" in told
    assert "in build_sdist" in told
    assert "in other_thread" in told
    assert told == way.log.text()


@HOSTED
@pytest.mark.usefixtures("short")
def test_a_silent_hook_that_does_not_listen_is_killed(hangs: Hangs, *, is_hosted: bool) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGABRT, signal.SIG_IGN)\n"
    hangs.write(in_hook=ignoring + HANGING.format(reached=os.fspath(hangs.reached)))
    _, answer = hangs.call(Patience(silence=0.05), is_hosted=is_hosted)
    assert isinstance(answer, tuple)
    assert "It printed nothing for 0.05 seconds" in answer[3]


@HOSTED
def test_a_hook_that_takes_too_long_ends_with_its_processes(hangs: Hangs, *, is_hosted: bool) -> None:
    hangs.write(in_hook=HANGING.format(reached=os.fspath(hangs.reached)))
    way, answer = hangs.call(Patience(timeout=0.05), is_hosted=is_hosted)
    assert isinstance(answer, tuple)
    assert answer[0] == "HookFailedError"
    assert "It took longer than 0.05 seconds." in answer[3]
    assert "thread" not in way.log.text()


def test_a_backend_that_hangs_while_it_is_imported_shows_where(hangs: Hangs) -> None:
    hang = (
        f"import time\nopen({os.fspath(hangs.reached)!r}, 'a').close()\ndef importing(): time.sleep(600)\nimporting()"
    )
    hangs.write(at_import="import os\nif os.environ.get('X') is None: pass\n" + hang)
    way, answer = hangs.call(Patience(silence=0.05), is_hosted=False)
    assert isinstance(answer, tuple)
    assert "in importing" in way.log.text()


@HOSTED
def test_what_prints_to_our_streams_is_heard_too(
    hangs: Hangs, capfd: pytest.CaptureFixture[str], *, is_hosted: bool
) -> None:
    hangs.write(in_hook="import sys\nprint('to stdout')\nsys.stderr.write('to stderr')")
    with hangs.ways.way(is_hosted=is_hosted, patience=Patience(silence=600), output="inherit") as way:
        assert way.call() == "x"
    out, err = capfd.readouterr()
    assert (out, "to stdout\n" in err, "to stderr" in err) == ("", True, True)


def test_output_that_is_buffered_is_heard_line_by_line(hangs: Hangs) -> None:
    # A hook whose stdout is no terminal would keep its lines to itself.
    code = f"print('one')\nimport os, time\nopen({os.fspath(hangs.reached)!r}, 'w').close()\ntime.sleep(600)"
    hangs.write(in_hook=code)
    way, _ = hangs.call(Patience(silence=0.05), is_hosted=True)
    assert way.log.text().startswith("one\nFatal Python error: Aborted\n")

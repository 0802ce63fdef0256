from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LocalBackend
from support import SDIST, WHEEL, LocalProject, is_gone, pid_in

from headless_wheel_builder.cli.interruption import SIGNALS, Interrupted, Interruption
from headless_wheel_builder.process import Processes

# Says where it is, and then waits for the file `go`.
WAITING = f"""
def build_wheel(folder, *rest):
    open(HOME + "/pid.part", "w").write(f"{{os.getpid()}}\\n")
    os.rename(HOME + "/pid.part", HOME + "/pid")
    while not os.path.exists(HOME + "/go"):
        time.sleep(0.01)
    return put(folder, {WHEEL!r})
"""
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITING}"


class Running:
    """The command line in a process of its own, that has come as far as the hook."""

    def __init__(self, project: LocalProject, *prefix: str) -> None:
        self.project = project
        self.temporary = project.home / "temporary"
        self.temporary.mkdir()
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "headless_wheel_builder", "-n", "-q", project.source],
            env={**os.environ, "TMPDIR": os.fspath(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.hook = pid_in(project.home / "pid")

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def go(self) -> None:
        (self.project.home / "go").touch()

    def end(self) -> tuple[int, str, str]:
        try:
            out, err = self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            for pid in (self._process.pid, self.hook):
                os.kill(pid, signal.SIGKILL)
            self._process.communicate()
            raise
        return self._process.returncode, out, err


@pytest.fixture(autouse=True)
def usual_signals() -> Iterator[None]:
    """Start from what a program at a terminal has, whoever runs the tests, and put the handlers back at the end."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_build_and_leaves_nothing(
    local_backend: LocalBackend, number: signal.Signals, code: int
) -> None:
    running = Running(local_backend(WAITING))
    running.send(number)
    returncode, out, err = running.end()
    assert (returncode, out) == (code, "")
    assert err.splitlines()[-1] == f"ERROR Interrupted by {number.name}"
    assert "Traceback" not in err
    assert is_gone(running.hook)
    assert os.listdir(running.temporary) == []
    assert not running.project.dist.exists()


def test_an_ignored_sigint_stays_ignored(local_backend: LocalBackend) -> None:
    running = Running(local_backend(WAITING), "/bin/sh", "-c", """trap '' INT; exec "$@\"""", "sh")
    running.send(signal.SIGINT)
    running.go()
    returncode, out, _ = running.end()
    assert (returncode, out) == (0, f"Successfully built {SDIST} and {WHEEL}\n")


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="there is no such signal")
def test_children_are_not_ignored_though_a_supervisor_did_so() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        Interruption()
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
        child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
        assert child.wait() == 3
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_second_signal_does_not_wait_for_a_stubborn_backend(local_backend: LocalBackend) -> None:
    running = Running(local_backend(STUBBORN))
    running.send(signal.SIGTERM)
    running.send(signal.SIGINT)
    returncode, _, err = running.end()
    # Two signals that arrive together may be handled in either order.
    assert returncode in {130, 143}
    assert err.count("ERROR Interrupted by") == 1
    assert is_gone(running.hook)


def test_work_gives_its_result_back() -> None:
    assert Interruption().run(lambda _: threading.current_thread().name) != threading.current_thread().name


def test_what_work_raises_comes_out() -> None:
    error = LookupError("lost")

    def work(_: Processes) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        Interruption().run(work)
    assert caught.value is error


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_cancels_the_work_and_says_which(tmp_path: Path, number: signal.Signals) -> None:
    def work(processes: Processes) -> None:
        processes.run(
            ["/bin/sh", "-c", f"kill -{int(number)} {os.getpid()}; sleep 5"], env={"PATH": os.defpath}, cwd=tmp_path
        )

    with pytest.raises(Interrupted) as caught:
        Interruption().run(work)
    assert (caught.value.name, caught.value.exit_code) == (number.name, 128 + number)


def test_a_signal_that_the_system_gives_to_another_thread_counts_too() -> None:
    def work(processes: Processes) -> None:
        time.sleep(0.3)  # until the main thread waits for the end
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        processes.run(["/bin/sh", "-c", "sleep 5"], env={"PATH": os.defpath})

    with pytest.raises(Interrupted):
        Interruption().run(work)


def test_work_that_was_done_before_the_signal_took_effect_counts() -> None:
    def work(processes: Processes) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        while not processes.cancelled:
            pass
        return "done"

    assert Interruption().run(work) == "done"


def test_before_any_work_a_signal_ends_the_program_at_once() -> None:
    code = (
        "import os, signal\nfrom headless_wheel_builder.cli.interruption import Interruption\n"
        "Interruption()\nos.kill(os.getpid(), signal.SIGTERM)\nprint('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "\nERROR Interrupted by SIGTERM\n")


# Of the errors that others may expect, and go on after.
EARLY = """
import contextlib, os, signal
from headless_wheel_builder.cli.interruption import Interruption
Interruption()
with contextlib.suppress(OSError):
    os.kill(os.getpid(), signal.SIGHUP)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal here")
def test_a_signal_ends_the_program_before_the_build_though_nobody_reads_what_it_says() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([sys.executable, "-c", EARLY], stderr=writer, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 128 + signal.SIGHUP

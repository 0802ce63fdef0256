"""Real children, and what becomes of them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import is_alive, is_gone, pid_in, wait_for

from headless_wheel_builder.process import Cancelled, Processes

ENV = {"PATH": os.defpath}
# Far longer than any test waits.
LONG = 60
# A shell that ignores SIGTERM, and says when it does.
STUBBORN = f"trap '' TERM; echo $$ > pid; sleep {LONG} & wait; sleep {LONG} & wait"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def run(processes: Processes, argv: list[str], cwd: Path | None = None) -> tuple[int, bytes]:
    printed = bytearray()
    return processes.run(argv, env=ENV, cwd=cwd, on_output=printed.extend), bytes(printed)


class Running:
    """A program that runs on a thread of its own."""

    def __init__(self, processes: Processes, text: str, cwd: Path) -> None:
        self.outcome: int | BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(processes, text, cwd))
        self._start = time.monotonic()
        self._thread.start()

    def _run(self, processes: Processes, text: str, cwd: Path) -> None:
        try:
            self.outcome = processes.run(shell(text), env=ENV, cwd=cwd)
        except Cancelled as cancelled:
            self.outcome = cancelled

    def end(self) -> float:
        """Wait for the end and return the seconds it took."""
        self._thread.join(LONG / 2)
        assert not self._thread.is_alive()
        return time.monotonic() - self._start


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes(grace=0.3)
    yield made
    made.cancel()
    made.cancel()


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_returned(processes: Processes, code: int) -> None:
    assert run(processes, python(f"raise SystemExit({code})")) == (code, b"")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_signal_is_a_negative_exit_code(processes: Processes, number: signal.Signals) -> None:
    assert run(processes, shell(f"kill -{number} $$"))[0] == -number


def test_both_streams_are_merged_in_the_order_in_which_they_were_written(processes: Processes) -> None:
    assert run(processes, shell("echo one; echo two >&2; printf three")) == (0, b"one\ntwo\nthree")


def test_much_output_is_handed_on_whole(processes: Processes) -> None:
    size = 3_000_000
    assert run(processes, python(f"print('x' * {size}, end='')")) == (0, b"x" * size)


def test_without_a_receiver_a_program_prints_to_our_own_streams(
    processes: Processes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert processes.run(shell("echo out; echo err >&2"), env=ENV) == 0
    assert capfd.readouterr() == ("out\n", "err\n")


def test_a_program_gets_the_folder_and_the_environment_given_and_no_other(processes: Processes, tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ.get('MINE'), os.environ.get('HOME'))"
    printed = bytearray()
    processes.run(python(code), env={"MINE": "1"}, cwd=tmp_path, on_output=printed.extend)
    assert printed.decode() == f"{os.path.realpath(tmp_path)} 1 None\n"


def test_stdin_is_closed_for_a_program(processes: Processes) -> None:
    assert run(processes, python("import sys; print(repr(sys.stdin.read()))")) == (0, b"''\n")


def test_a_program_that_is_not_there_is_an_os_error_and_spoils_nothing(processes: Processes) -> None:
    with pytest.raises(FileNotFoundError):
        processes.run(["/nowhere/program"], env=ENV)
    assert run(processes, shell("echo fine")) == (0, b"fine\n")


def test_capture_keeps_the_streams_apart(processes: Processes) -> None:
    captured = processes.capture(shell("echo out; echo err >&2; exit 4"), env=ENV)
    assert (captured.returncode, captured.stdout, captured.stderr) == (4, b"out\n", b"err\n")


def test_capture_kills_at_its_timeout_and_keeps_what_was_printed(processes: Processes) -> None:
    start = time.monotonic()
    captured = processes.capture(shell(f"trap '' TERM; echo early; sleep {LONG}"), env=ENV, timeout=0.3)
    assert time.monotonic() - start < LONG / 2
    assert (captured.returncode, captured.stdout) == (-signal.SIGKILL, b"early\n")


def test_capture_within_its_timeout_is_left_alone(processes: Processes) -> None:
    assert processes.capture(shell("echo fine"), env=ENV, timeout=LONG).stdout == b"fine\n"


def test_cancelling_from_another_thread_ends_the_program_and_what_it_started(
    processes: Processes, tmp_path: Path
) -> None:
    running = Running(processes, f"sleep {LONG} & echo $! > grandchild; echo $$ > child; wait", tmp_path)
    child, grandchild = pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")
    processes.cancel()
    running.end()
    assert isinstance(running.outcome, Cancelled)
    assert is_gone(child)
    assert is_gone(grandchild)


def test_a_cancelled_program_may_clean_up(processes: Processes, tmp_path: Path) -> None:
    text = f"trap 'echo clean > cleaned; exit 0' TERM; echo $$ > pid; sleep {LONG} & wait"
    running = Running(processes, text, tmp_path)
    pid_in(tmp_path / "pid")
    processes.cancel()
    running.end()
    assert (tmp_path / "cleaned").read_text() == "clean\n"
    assert isinstance(running.outcome, Cancelled)


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(processes: Processes, tmp_path: Path) -> None:
    running = Running(processes, STUBBORN, tmp_path)
    pid = pid_in(tmp_path / "pid")
    cancelled = time.monotonic()
    processes.cancel()
    running.end()
    assert time.monotonic() - cancelled >= 0.3
    assert isinstance(running.outcome, Cancelled)
    assert is_gone(pid)


def test_cancelling_again_kills_at_once(tmp_path: Path) -> None:
    processes = Processes(grace=LONG)
    running = Running(processes, STUBBORN, tmp_path)
    pid = pid_in(tmp_path / "pid")
    processes.cancel()
    assert is_alive(pid)
    processes.cancel()
    assert running.end() < LONG / 2
    assert is_gone(pid)


def test_all_programs_of_a_build_are_cancelled_together(processes: Processes, tmp_path: Path) -> None:
    running = [Running(processes, f"echo $$ > pid{number}; sleep {LONG}", tmp_path) for number in range(3)]
    pids = [pid_in(tmp_path / f"pid{number}") for number in range(3)]
    processes.cancel()
    for one in running:
        one.end()
    assert all(map(is_gone, pids))


def test_cancelling_one_build_leaves_another_alone(processes: Processes, tmp_path: Path) -> None:
    other = Processes()
    running = Running(other, "echo $$ > pid; while ! test -e go; do sleep 0.02; done; exit 7", tmp_path)
    pid = pid_in(tmp_path / "pid")
    processes.cancel()
    assert is_alive(pid)
    (tmp_path / "go").touch()
    running.end()
    assert running.outcome == 7


def test_nothing_starts_after_a_cancellation(processes: Processes, tmp_path: Path) -> None:
    processes.cancel()
    assert processes.cancelled
    for start in (processes.run, processes.capture):
        with pytest.raises(Cancelled):
            start(shell("touch started"), env=ENV, cwd=tmp_path)
    with pytest.raises(Cancelled):
        processes.checkpoint()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_lets_work_go_on_that_was_not_cancelled(processes: Processes) -> None:
    processes.checkpoint()
    assert not processes.cancelled


def test_what_a_program_leaves_running_in_its_group_is_killed_at_its_end(processes: Processes, tmp_path: Path) -> None:
    leave = f"sleep {LONG} > /dev/null 2>&1 & echo $! > left"
    assert run(processes, shell(leave), cwd=tmp_path) == (0, b"")
    assert is_gone(pid_in(tmp_path / "left"))


def test_a_daemon_that_holds_our_pipe_does_not_hold_us(processes: Processes, tmp_path: Path) -> None:
    daemon = f"import os, time; os.setsid(); open('left', 'w').write(f'{{os.getpid()}}\\n'); time.sleep({LONG})"
    code = f"import os\nprint('done', flush=True)\nif not os.fork():\n    {daemon}"
    start = time.monotonic()
    # Until it has left the group it would be killed with it.
    argv = python(f"{code}\nelse:\n    import time\n    while not os.path.exists('left'): time.sleep(0.01)")
    assert run(processes, argv, cwd=tmp_path) == (0, b"done\n")
    assert time.monotonic() - start < LONG / 2
    os.kill(pid_in(tmp_path / "left"), signal.SIGKILL)


def test_a_receiver_that_is_slow_still_gets_everything(processes: Processes) -> None:
    printed = bytearray()

    def receive(chunk: bytes) -> None:
        time.sleep(1.3)
        printed.extend(chunk)

    assert processes.run(shell("echo one"), env=ENV, on_output=receive) == 0
    assert printed == b"one\n"


def test_a_receiver_that_raises_ends_the_program_and_its_error_comes_out(processes: Processes, tmp_path: Path) -> None:
    def receive(chunk: bytes) -> None:
        raise LookupError(chunk.decode())

    with pytest.raises(LookupError, match="hello"):
        processes.run(shell(f"echo $$ > pid; echo hello; sleep {LONG}"), env=ENV, cwd=tmp_path, on_output=receive)
    assert is_gone(pid_in(tmp_path / "pid"))


def test_callbacks_are_called_on_cancellation_inside_their_block_only(processes: Processes) -> None:
    called: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: called.append(name)

    with processes.on_cancel(note("before")):
        pass
    with processes.on_cancel(note("outer")), processes.on_cancel(note("inner")):
        processes.cancel()
    assert called == ["outer", "inner"]


def test_a_callback_cannot_be_set_after_a_cancellation(processes: Processes) -> None:
    processes.cancel()
    with pytest.raises(Cancelled), processes.on_cancel(lambda: None):
        pytest.fail("the block was entered")


def zombies() -> list[str]:
    """Return the process table's lines of our children that have ended and were not waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has gone meanwhile
            line = path.read_text()
            state, parent, *_ = line.rpartition(")")[2].split()
            if state == "Z" and int(parent) == os.getpid():
                found.append(line)
    return found


def test_no_file_descriptor_and_no_zombie_is_left(processes: Processes) -> None:
    run(processes, shell("true"))
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        run(processes, shell("echo x"))
        processes.capture(shell("echo x"), env=ENV, timeout=LONG)
    wait_for(lambda: len(os.listdir("/proc/self/fd")) <= len(before))
    assert zombies() == []


def test_cancellation_is_no_exception_that_a_handler_of_exceptions_catches() -> None:
    assert not issubclass(Cancelled, Exception)


def test_what_shows_where_it_is_ends_and_nothing_else_is_kept_from_starting() -> None:
    processes, printed = Processes(), bytearray()
    code = "import time; print('here', flush=True); time.sleep(600)"

    def hear(piece: bytes) -> None:
        is_first = not printed
        printed.extend(piece)
        # Once: another signal would end it while it shows where it is.
        if is_first:
            threading.Thread(target=processes.stop, args=("dump",)).start()

    argv = [sys.executable, "-X", "faulthandler", "-c", code]
    assert processes.run(argv, env={}, on_output=hear) == -signal.SIGABRT
    assert b"most recent call first" in printed
    assert processes.run([sys.executable, "-c", ""], env={}) == 0


def test_without_a_thread_that_could_wait_for_the_grace_programs_are_killed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    processes = Processes(grace=LONG)
    running = Running(processes, STUBBORN, tmp_path)
    pid = pid_in(tmp_path / "pid")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    processes.cancel()
    assert running.end() < LONG / 2
    assert is_gone(pid)


def test_a_program_whose_output_nobody_can_hand_on_is_ended(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(BlockingIOError, match="No thread can be started"):
        run(processes, shell("sleep 600"))

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from support import is_alive, is_gone, pid_in, wait_for

from headless_wheel_builder import watchman
from headless_wheel_builder.guard import Guard, GuardedProcesses
from headless_wheel_builder.process import Cancelled, Group, Stoppable

SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(600)"
linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes show no environment")
# A worker in the middle of a job, whose program has a child.
WORKER = """
    import sys
    from headless_wheel_builder.guard import Guard, GuardedProcesses

    def main():
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sys.argv[1]!r}, {sys.argv[2]!r}])"
        processes = GuardedProcesses(Guard())
        if sys.argv[3:]:
            processes = processes.part()
        processes.run([sys.executable, "-c", program], env={})

    main()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("more", [[], ["a part"]])
def test_what_a_killed_process_has_started_is_ended(tmp_path: Path, number: signal.Signals, more: list[str]) -> None:
    argv = [sys.executable, "-c", textwrap.dedent(WORKER), SLEEPER, str(tmp_path / "pid"), *more]
    with subprocess.Popen(argv) as worker:
        sleeper = pid_in(tmp_path / "pid")
        worker.send_signal(number)
    assert is_gone(sleeper)


DAEMON = f"""
import subprocess, sys
argv = [sys.executable, "-c", {SLEEPER!r}, sys.argv[1]]
subprocess.Popen(argv, start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
"""


@linux
def test_a_daemon_of_a_killed_process_is_ended(tmp_path: Path) -> None:
    program = "import sys; from headless_wheel_builder.guard import Guard, GuardedProcesses\n"
    program += "processes = GuardedProcesses(Guard())\n"
    program += "processes.run([sys.executable, '-c', *sys.argv[1:]], env={}); print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", program, DAEMON, str(tmp_path / "pid")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        daemon = pid_in(tmp_path / "pid")
        assert is_alive(daemon)
        process.kill()
    assert is_gone(daemon)


@linux
def test_a_daemon_is_ended_with_its_build_and_strangers_are_not(tmp_path: Path) -> None:
    guards = [Guard(), Guard()]
    daemons = []
    for number, guard in enumerate(guards):
        argv = [sys.executable, "-c", DAEMON, str(tmp_path / str(number))]
        assert GuardedProcesses(guard).run(argv, env={}) == 0
        daemons.append(pid_in(tmp_path / str(number)))
    guards[0].close()
    assert not is_alive(daemons[0])
    assert is_alive(daemons[1])
    guards[1].close()
    assert not is_alive(daemons[1])


@linux
def test_a_daemon_of_a_build_in_a_hook_ends_with_the_outer_build(tmp_path: Path) -> None:
    outer, inner = Guard(), Guard()
    in_the_hook = GuardedProcesses(outer).environ({})
    for name, env in (("of both", in_the_hook), ("of the inner", {})):
        argv = [sys.executable, "-c", DAEMON, str(tmp_path / name)]
        subprocess.run(argv, env=GuardedProcesses(inner).environ(env), check=True)
    daemon, other = pid_in(tmp_path / "of both"), pid_in(tmp_path / "of the inner")
    watchman.kill_marked(outer.mark)
    assert not is_alive(daemon)
    assert is_alive(other)
    watchman.kill_marked(inner.mark)
    assert not is_alive(other)


@linux
def test_a_host_of_a_killed_process_has_time_to_end_what_its_hooks_left(tmp_path: Path) -> None:
    program = "import subprocess, sys; from headless_wheel_builder.guard import Guard, GuardedProcesses\n"
    program += "guard = Guard().begin(); env = GuardedProcesses(guard).host_environ({})\n"
    program += "subprocess.Popen([sys.executable, '-c', *sys.argv[1:]], env=env, start_new_session=True)\n"
    program += "print(guard.process.pid, flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", program, SLEEPER, str(tmp_path / "pid")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        guard = int(process.stdout.readline())
        host = pid_in(tmp_path / "pid")
        process.kill()
    assert is_gone(guard)
    assert is_alive(host)
    os.kill(host, signal.SIGKILL)


@linux
def test_nobody_is_looked_for_where_orphans_are_ended_otherwise(tmp_path: Path) -> None:
    guard = Guard(adopts=True)
    argv = [sys.executable, "-c", DAEMON, str(tmp_path / "pid")]
    assert GuardedProcesses(guard).run(argv, env={}) == 0
    daemon = pid_in(tmp_path / "pid")
    guard.close()
    assert is_alive(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_a_guard_that_nobody_needed_was_never_there() -> None:
    guard = Guard()
    guard.close()
    assert guard.process is None


def test_what_has_ended_is_nobodys_any_more() -> None:
    class Noting(Guard):
        """Remembers what it is told."""

        def note(self, sign: str, running: Stoppable) -> None:
            if isinstance(running, Group):
                noted.append((sign, running.process.pid))
            super().note(sign, running)

    noted: list[tuple[str, int]] = []
    guard = Noting()
    processes = GuardedProcesses(guard)
    assert guard.process is None, "nobody needs it yet"
    assert processes.run([sys.executable, "-c", "pass"], env={}) == 0
    assert processes.capture([sys.executable, "-c", "print(1)"], env={}).stdout == b"1\n"
    guard.close()
    # Whoever has such an id by now is somebody else.
    assert [sign for sign, _ in noted] == ["+", "-", "+", "-"]
    assert noted[0][1] == noted[1][1]


def test_a_cancelled_build_ends_as_ever(tmp_path: Path) -> None:
    guard = Guard()
    processes = GuardedProcesses(guard)

    def cancel(output: bytes) -> None:
        assert output
        processes.cancel()

    program = "import time; print('x', flush=True); time.sleep(600)"
    with pytest.raises(Cancelled):
        processes.run([sys.executable, "-c", program], env={}, cwd=tmp_path, on_output=cancel)
    guard.close()


def test_nobody_waits_for_what_a_program_has_forked_while_it_builds() -> None:
    guard = Guard().begin()
    pid = os.fork()
    if not pid:
        time.sleep(600)
        os._exit(0)
    try:
        closing = threading.Thread(target=guard.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_guard_that_is_gone_does_not_fail_a_build() -> None:
    guard = Guard().begin()
    assert guard.process is not None
    pid = guard.process.pid
    os.killpg(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid))
    assert GuardedProcesses(guard).run([sys.executable, "-c", "pass"], env={}) == 0
    guard.close()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed_stay_so(tmp_path: Path, closed: str) -> None:
    program = "import os, sys; from headless_wheel_builder.guard import Guard, forked\n"
    program += "before = [name for name in ('0', '1', '2') if os.path.exists(f'/proc/self/fd/{name}')]\n"
    program += "guard = Guard(forked).begin()\n"
    program += "after = [name for name in ('0', '1', '2') if os.path.exists(f'/proc/self/fd/{name}')]\n"
    program += "open(sys.argv[1], 'w').write(str(before == after)); guard.close()"
    argv = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", program, str(tmp_path / "answer")]
    subprocess.run(argv, check=True)
    assert (tmp_path / "answer").read_text() == "True"

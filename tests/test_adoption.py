"""What a program adopts: processes that left their group and lost their parent."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import is_gone, pid_in

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux gives orphans away")

# Runs another program as a build runs an installer.
PROGRAM = """
import sys
from headless_wheel_builder.cli.interruption import Interruption

def main():
    argv = [sys.executable, "-c", *sys.argv[1:]]
    print(Interruption(is_program=True).run(lambda processes: processes.run(argv, env={})))

main()
"""
# Leaves a daemon with a child.
DAEMON = """
import os, sys, time

def note(name):
    with open(name + ".new", "w") as file:
        file.write(f"{os.getpid()}\\n")
    os.rename(name + ".new", name)

if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    if not os.fork():
        os.setsid()
        note("child")
        time.sleep(60)
    note("daemon")
    time.sleep(float(sys.argv[1]))
    os._exit(0)
os.wait()
while not (os.path.exists("daemon") and os.path.exists("child")):
    time.sleep(0.001)
"""
# Runs many that end at once, and leave something that ends at once.
MANY = """
from concurrent.futures import ThreadPoolExecutor
from headless_wheel_builder.cli.interruption import Interruption

def work(processes):
    with ThreadPoolExecutor(4) as threads:
        return set(threads.map(lambda _: processes.run({shell}, env={{}}), range(100)))

print(Interruption(is_program=True).run(work))
"""
NAMES = ("daemon", "child")


def start(tmp_path: Path, code: str, *argv: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, code, *argv]
    return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_daemon_and_its_child_end_with_the_program(tmp_path: Path, exit_code: int) -> None:
    with start(tmp_path, f"{DAEMON}\nsys.exit({exit_code})", "60") as program:
        out, err = program.communicate(timeout=60)
    assert (out, err) == (f"{exit_code}\n", "")
    assert all(is_gone(pid_in(tmp_path / name)) for name in NAMES)


def test_a_daemon_and_its_child_end_with_a_program_that_is_interrupted(tmp_path: Path) -> None:
    with start(tmp_path, f"{DAEMON}\ntime.sleep(60)", "60") as program:
        pids = [pid_in(tmp_path / name) for name in NAMES]
        program.send_signal(signal.SIGTERM)
        _, err = program.communicate(timeout=60)
    assert "Interrupted: SIGTERM" in err
    assert all(map(is_gone, pids))


def test_whoever_waits_until_a_daemon_is_gone_sees_that(tmp_path: Path) -> None:
    # The program is its parent then, and would keep its process id for ever if it did not wait for it.
    waiting = "\npid = int(open('daemon').read())\nwhile os.path.exists(f'/proc/{pid}'):\n    time.sleep(0.001)"
    with start(tmp_path, DAEMON + waiting, "0") as program:
        out, err = program.communicate(timeout=60)
    assert (out, err) == ("0\n", "")


def test_a_killed_program_takes_what_it_runs_with_it(tmp_path: Path) -> None:
    code = "import os, time\nos.rename('pid.new', 'pid') if open('pid.new', 'w').write(f'{os.getpid()}\\n') else 0\n"
    with start(tmp_path, f"{code}time.sleep(60)") as program:
        pid = pid_in(tmp_path / "pid")
        program.kill()
    assert is_gone(pid)


def test_no_exit_code_is_lost_to_who_waits_for_orphans() -> None:
    code = MANY.format(shell=["/bin/sh", "-c", "(/bin/sleep 0 &); exit 7"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{7}\n", "")

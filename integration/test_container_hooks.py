"""Hooks that do in containers what they should not: the build ends, says why, and nothing is left."""

from __future__ import annotations

import signal

import container_projects
import projects
import pytest
from containers import TOLD, Containers, built

pytestmark = pytest.mark.usefixtures("known_environment")
FAILED = "Backend subprocess exited when trying to invoke build_wheel\n"
CLOSED = """
def build_wheel(*args, plain=build_wheel):
    os.close({descriptor})
    return plain(*args)
"""
DAEMONS = """
import subprocess
def build_sdist(*args, plain=build_sdist):
    for _ in range(3):
        subprocess.Popen([sys.executable, "-c", "while True: print('still here', flush=True)"], start_new_session=True)
    return plain(*args)
"""
KILL = """
import signal, time
def build_wheel(*args):
    os.kill({process}, signal.{number})
    time.sleep({seconds})
"""
KILL_IN_VAIN = """
import signal
def build_wheel(*args, plain=build_wheel):
    os.kill(1, signal.SIGKILL)
    return plain(*args)
"""
PRINT = """
def build_wheel(*args, plain=build_wheel):
    {how}
    for _ in range(100):
        os.write(2, {what} * 1024 * 64)
    return plain(*args)
"""


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_a_hook_may_close_its_streams(containers: Containers, descriptor: int) -> None:
    projects.silent(containers.root, CLOSED.format(descriptor=descriptor))
    built(containers.run("-w"))


def test_what_a_hook_leaves_running_ends_with_the_container(containers: Containers) -> None:
    projects.silent(containers.root, DAEMONS)
    run = containers.run()
    assert run.exit_code == 0
    assert sorted(run.artifacts) == ["demo/dist/demo-1.0-py3-none-any.whl", "demo/dist/demo-1.0.tar.gz"]


@pytest.mark.parametrize(
    ("process", "number", "status"),
    [("os.getppid()", "SIGKILL", 137), ("1", "SIGTERM", 143)],
    ids=["the host", "the main process"],
)
def test_a_hook_that_ends(containers: Containers, process: str, number: str, status: int) -> None:
    projects.silent(containers.root, KILL.format(process=process, number=number, seconds=60))
    told = containers.fails("-w")
    assert told.startswith(FAILED)
    assert f"Its main process ended with status {status}." in told


def test_a_hook_cannot_kill_the_main_process(containers: Containers) -> None:
    projects.silent(containers.root, KILL_IN_VAIN)
    built(containers.run("-w"))


def test_a_hook_that_stops_the_host_is_too_late(containers: Containers) -> None:
    projects.silent(containers.root, KILL.format(process="os.getppid()", number="SIGSTOP", seconds=600))
    told = containers.fails("-w", "--hook-timeout", "2")
    assert told.startswith(FAILED)
    assert told.endswith("It took longer than 2 seconds.\n  Give it more with --hook-timeout.")


def test_ctrl_c_ends_a_build_whose_host_is_stopped(containers: Containers) -> None:
    change = KILL.format(process="os.getppid()", number="SIGSTOP", seconds=600)
    projects.silent(containers.root, change.replace("    time", f'    open("{TOLD}/reached", "w")\n    time'))
    running = containers.start("-w")
    running.wait_for(containers.told / "reached")
    running.signal(signal.SIGINT, group=True)
    assert containers.finish(running).exit_code == 130


@pytest.mark.parametrize("what", ["b'0123456789abcde\\n'", "bytes(range(240, 256))"], ids=["text", "no text"])
def test_a_hook_may_print_much(containers: Containers, what: str) -> None:
    projects.silent(containers.root, PRINT.format(what=what, how="pass"))
    run = containers.run("-w")
    assert run.exit_code == 0, run.stderr[-1000:]
    assert len(run.stderr.encode(errors="surrogateescape")) > 100 * 1024**2


def test_a_hook_may_have_its_output_not_block(containers: Containers) -> None:
    how = "os.set_blocking(2, False)"
    change = PRINT.format(what="b'x'", how=how).replace("os.write", "put") + (
        "def put(descriptor, text):\n"
        "    while text:\n"
        "        try:\n"
        "            text = text[os.write(descriptor, text):]\n"
        "        except BlockingIOError:\n"
        "            pass\n"
    )
    projects.silent(containers.root, change)
    built(containers.run("-w"))


def test_a_backend_whose_import_needs_too_much_memory(containers: Containers) -> None:
    """The host imports it, and is killed."""
    projects.write(
        containers.root / "demo",
        {"pyproject.toml": '[build-system]\nrequires = ["slow"]\nbuild-backend = "slow"\n', "demo.py": ""},
    )
    code = "import os\nif 'PYTHONNOUSERSITE' in os.environ or os.path.exists('/hwb/calls'): x = b'x' * (1 << 30)\n"
    with container_projects.SlowIndex(containers.gateway, code=code) as index:
        told = containers.fails("-w", "--memory", "200m", env={**containers.fresh, **index.variables})
    assert "The container reached its limit of 200 MiB: the system killed a process in it." in told
    assert told.endswith("Give it more with --memory, or have it do less at once with --cpus.")


@pytest.mark.parametrize("flags", [(), ("--keep-container",)], ids=["forgotten", "kept"])
def test_a_failure_is_told_although_the_container_has_gone(containers: Containers, flags: tuple[str, ...]) -> None:
    projects.silent(containers.root, KILL.format(process="os.getppid()", number="SIGKILL", seconds=60))
    assert containers.fails("-w", *flags).startswith(FAILED)

"""What ends a build in containers from outside: each a clear error, and nothing is left, here or on the engine."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from collections.abc import Iterator

import container_projects
import projects
import pytest
from containers import PYTHON, SECONDS, Containers, built, error
from frontends import refused
from listeners import Garbage, Registry, Silent, unreadable
from test_faults import needs_root, small_disk

pytestmark = pytest.mark.usefixtures("known_environment")
BUILD = ("demo", "--isolation", "docker", "--image", "hwb-test/none", "--python", PYTHON, "-w")


def test_no_engine(containers: Containers) -> None:
    projects.silent(containers.root)
    run = containers.frontends.ours(*BUILD, root=containers.root, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert error(run).splitlines() == [
        "No container engine answers at unix:///nowhere/docker.sock (DOCKER_HOST)",
        "  No such file or directory.",
        "  Start Docker or podman, or name another engine: docker context use NAME, or DOCKER_HOST.",
    ]


def test_an_unknown_context(containers: Containers) -> None:
    projects.silent(containers.root)
    env = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "nowhere", "DOCKER_CONFIG": str(containers.folder)}
    run = containers.frontends.ours(*BUILD, root=containers.root, env=env)
    assert error(run).splitlines() == [
        "There is no Docker context 'nowhere'",
        f"  DOCKER_CONTEXT names it, but it is not in {containers.folder}/contexts.",
        "  See which there are: docker context ls",
    ]


def test_no_permission_on_the_socket(containers: Containers) -> None:
    projects.silent(containers.root)
    with Silent() as listener:
        prefix = unreadable(listener.path)
        env = {"DOCKER_HOST": listener.host}
        run = containers.frontends.start("ours", *BUILD, root=containers.root, env=env, prefix=prefix).finish()
    assert error(run).splitlines() == [
        f"No container engine answers at {listener.host} (DOCKER_HOST)",
        "  Permission denied.",
        "  Add yourself to the group `docker` and log in again, or use a rootless engine.",
    ]


def test_something_else_than_an_engine(containers: Containers) -> None:
    projects.silent(containers.root)
    with Garbage() as listener:
        run = containers.frontends.ours(*BUILD, root=containers.root, env={"DOCKER_HOST": listener.host})
    told = error(run)
    assert told.startswith(f"No container engine answers at {listener.host} (DOCKER_HOST)\n")
    assert "DOCKER_HOST." in told.splitlines()[-1]


def test_ctrl_c_does_not_wait_for_an_engine_that_does_not_answer(containers: Containers) -> None:
    projects.silent(containers.root)
    with Silent() as listener:
        running = containers.frontends.start("ours", *BUILD, root=containers.root, env={"DOCKER_HOST": listener.host})
        listener.wait()
        running.signal(signal.SIGINT, group=True)
        # Far less than what an engine has to answer.
        run = running.finish(20)
    refused(run, "ERROR Interrupted by SIGINT", exit_code=130)


def test_a_wrong_image_name(containers: Containers) -> None:
    projects.silent(containers.root)
    assert "invalid reference format" in containers.fails("-w", image="not/An/Image:")


@pytest.mark.parametrize(("status", "reason"), [(404, "not found"), (403, "denied")])
def test_a_pull_that_is_refused(containers: Containers, status: int, reason: str) -> None:
    projects.silent(containers.root)
    with Registry(status) as registry:
        told = containers.fails("-w", image=f"{registry.place}/demo:1")
    assert told.startswith(f"The image {registry.place}/demo:1 ")
    assert reason in told
    assert len(told.splitlines()) >= 3


def test_an_environment_whose_image_has_vanished_is_made_again(containers: Containers) -> None:
    projects.silent(containers.root)
    built(containers.run("-w", env=containers.fresh)).unlink()
    (image,) = containers.watched.images
    containers.watched.api.remove_image(image, force=True)
    built(containers.run("-w", env=containers.fresh))
    assert len(containers.watched.images) == 2


def test_an_image_that_vanishes_between_two_steps(containers: Containers) -> None:
    projects.silent(containers.root)
    built(containers.run("-w", env=containers.fresh)).unlink()
    (image,) = containers.watched.images
    before = len(containers.watched.containers)
    hold = containers.watched.hold(rb"POST \S*/containers/create")
    running = containers.start("-w", env=containers.fresh)
    hold.wait()
    containers.watched.api.remove_image(image, force=True)
    hold.release()
    told = error(containers.finish(running))
    assert told.splitlines()[0] == "The container could not be made"
    assert "No such image" in told
    assert told.endswith("Something removed it meanwhile. Build again.")
    assert len(containers.watched.containers) == before + 1


@pytest.mark.parametrize("change", ["", "def build_wheel(*args): raise SystemExit(3)"], ids=["works", "fails"])
def test_an_environment_that_is_not_kept_leaves_no_image_whether_the_build(containers: Containers, change: str) -> None:
    projects.silent(containers.root, change)
    run = containers.run("-w", "--fresh-env")
    assert run.exit_code == bool(change)
    assert len(containers.watched.images) == 1


@needs_root
def test_there_is_no_room_here_to_unpack_an_sdist(containers: Containers) -> None:
    projects.silent(containers.root)
    with small_disk(containers.folder / "small", "size=8k") as disk:
        told = error(containers.finish(containers.start(temporary=disk)))
    assert "No space left on device" in told
    assert "TMPDIR" in told


@needs_root
def test_there_is_no_room_here_for_the_wheel(containers: Containers) -> None:
    projects.silent(containers.root)
    with small_disk(containers.folder / "small", "size=8k") as out:
        (out / "old").write_bytes(b"x" * 8192)
        told = error(containers.run("-w", "-o", str(out)))
        assert os.listdir(out) == ["old"]
    assert "No space left on device" in told
    assert "--outdir" in told


@pytest.mark.parametrize("limit", [12, 16, 20, 24, 32, 128])
def test_few_open_files_are_enough_or_the_limit_is_named(containers: Containers, limit: int) -> None:
    projects.silent(containers.root)
    prefix = ("sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh")
    run = containers.start("-w", prefix=prefix).finish(SECONDS)
    # The engine itself removes a container that nobody could open a connection for.
    containers.left_nothing(run, seconds=30.0)
    if run.exit_code:
        assert limit < 32, run.stderr
        assert "ulimit -n" in error(run)
    else:
        built(run)


ENDS = {
    "killed": lambda api, name: api.kill(name),
    "stopped": lambda api, name: api.stop(name, timeout=int(SECONDS)),
    "removed": lambda api, name: api.remove_container(name, force=True),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_a_container_that_somebody_else_ends(containers: Containers, how: str, hook: str) -> None:
    container_projects.hanging(containers.root, hook)
    running = containers.start()
    running.wait_for(containers.told / "reached")
    ENDS[how](containers.watched.api, containers.watched.containers[-1])
    told = error(containers.finish(running))
    assert told.splitlines() == [
        f"Backend subprocess exited when trying to invoke {hook}",
        "  Somebody killed or stopped the container.",
        "  Build again.",
    ]


MEMORY = {
    "a hook": "use()",
    "a child of a hook": "import subprocess\n    subprocess.check_call([sys.executable, '-c', EAT])",
    "a child of a hook that goes on": "import subprocess\n    assert subprocess.call([sys.executable, '-c', EAT]) == 0",
}
EAT = """
EAT = "x = bytearray(2 << 30)\\nfor i in range(0, len(x), 4096): x[i] = 1"
def use():
    exec(EAT)
def build_wheel(*args):
    {what}
"""


@pytest.mark.parametrize("what", MEMORY.values(), ids=MEMORY.keys())
def test_too_little_memory_for(containers: Containers, what: str) -> None:
    projects.silent(containers.root, EAT.format(what=what))
    run = containers.run("-w", "--memory", "100m")
    assert run.stderr.endswith(
        "ERROR Backend subprocess exited when trying to invoke build_wheel\n"
        "  The container reached its limit of 100 MiB: the system killed a process in it.\n"
        "  Give it more with --memory, or have it do less at once with --cpus.\n"
    ), run.stderr
    assert (run.exit_code, run.stdout, run.changes) == (1, "", ())


FULL = {
    "sources": ("/hwb/source", "Files could not be copied into the container", "no space left on device"),
    "results": ("/hwb/calls", "Backend subprocess exited", "No space left on device"),
    "hooks": ("/scratch", "Backend subprocess exited", "No space left on device"),
}
FILL_FIRST = """
def get_requires_for_build_wheel(config_settings=None):
    with open("/hwb/calls/big", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            # Enough for the answer.
            file.truncate(file.tell() - 4096)
    return []
"""
FILL = """
def build_wheel(folder, *args):
    place = "/scratch" if os.path.exists("/scratch") else folder
    with open(place + "/big", "wb") as file:
        file.write(bytes(64 * 1024 ** 2))
"""


@pytest.mark.parametrize(("place", "message", "reason"), FULL.values(), ids=FULL.keys())
def test_a_full_disk_for(containers: Containers, place: str, message: str, reason: str) -> None:
    projects.silent(containers.root, FILL)
    if place == "/hwb/source":
        (containers.root / "demo" / "big").write_bytes(os.urandom(8 * 1024**2))
    with _small_volume(containers) as volume:
        run = containers.run("-w", "--mount", f"{volume}:{place}")
    assert run.exit_code == 1
    assert run.stderr.rpartition("ERROR ")[2].startswith(message), run.stderr
    assert reason in run.stderr
    assert run.changes == ()
    if place == "/hwb/source":
        assert run.stderr.endswith("Make room on the engine's machine; docker system df shows what takes it.\n")


def test_a_full_disk_that_no_hook_can_be_called_with(containers: Containers) -> None:
    projects.silent(containers.root, FILL_FIRST)
    with _small_volume(containers) as volume:
        told = containers.fails("-w", "--mount", f"{volume}:/hwb/calls")
    assert told.startswith("build_wheel could not be run in the container\n")
    assert "No space left on device" in told


@contextlib.contextmanager
def _small_volume(containers: Containers) -> Iterator[str]:
    """Have a volume of one MiB on the engine."""
    api, name = containers.watched.api, f"hwb-test-{uuid.uuid4().hex[:12]}"
    api.create_volume(name, driver="local", driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
    try:
        yield name
    finally:
        api.remove_volume(name)

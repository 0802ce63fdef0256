"""Wheels from the workers of a real dask scheduler: three processes at 127.0.0.1, of other Pythons if there are."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import projects
import pytest
from certificates import Authority
from cluster import Cluster, Environment, Worker, environments
from frontends import Frontends, Run, Running, left_nothing, members, refused
from support import Recorder, is_gone

from headless_wheel_builder._version import __version__
from headless_wheel_builder.events import ArtifactBuilding, HookOutput
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.portable import facts_of
from headless_wheel_builder.isolation.target import named_target, these_platforms, this_platform
from headless_wheel_builder.isolation.targets import VersionTarget
from headless_wheel_builder.isolation.venv import VenvIsolation
from headless_wheel_builder.jobs.job import Job
from headless_wheel_builder.jobs.scheduler import connected
from headless_wheel_builder.jobs.task import Project, WheelTask
from headless_wheel_builder.process import Processes

pytestmark = [
    # Whoever runs one of these makes the environments for itself.
    pytest.mark.xdist_group("schedulers"),
    # Workers are ended by their ids.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

MARKER = "a-hook-of-a-worker"
# A hook that says how far it is, and goes on when it may.
HELD = """
def build_wheel(folder, *args):
    import subprocess, time
    print("the hook was reached", flush=True)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {marker!r}])
    here = Path({told!r}, str(os.getpid()))
    here.write_text(sys.executable)
    while not Path({goes_on!r}).exists():
        time.sleep(0.02)
    sleeper.kill()
    sleeper.wait()
    name = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
    write_wheel(f"{{folder}}/{{name}}", {{"demo.py": b"done = True"}})
    return name
"""


class Held:
    """A project whose hook is held until it is let go."""

    def __init__(self, folder: Path) -> None:
        self.told = folder / "told"
        self.told.mkdir()
        self._goes_on = folder / "goes-on"
        self.root = folder / "w"
        self.change = HELD.format(marker=MARKER, told=str(self.told), goes_on=str(self._goes_on))
        self.tree = projects.silent(self.root, self.change)

    def hooks(self) -> list[int]:
        """Return the process ids of the hooks that were reached."""
        return [int(path.name) for path in self.told.iterdir() if path.name.isdigit()]

    def let_go(self) -> None:
        self._goes_on.touch()


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> list[Environment]:
    """Make environments for workers, the first with the Python of the tests."""
    return environments(tmp_path_factory.mktemp("pythons"))


@pytest.fixture(scope="module")
def cluster(pythons: list[Environment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Have three workers, each with the capability of its own Python."""
    with Cluster(tmp_path_factory.mktemp("cluster"), pythons[0]) as cluster:
        for number in range(3):
            one = pythons[number % len(pythons)]
            cluster.add(one, one.name)
        yield cluster


@pytest.fixture
def own(pythons: list[Environment], tmp_path: Path) -> Iterator[Cluster]:
    """Have a scheduler for one test."""
    with Cluster(tmp_path / "cluster", pythons[0]) as cluster:
        yield cluster


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


def alone(folder: Path) -> dict[str, str]:
    """Return variables with which no interpreter is found besides the one that runs the tests."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("cc", "gcc", "git"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    empty = str(folder / "empty")
    return {"PATH": str(programs), "PYENV_ROOT": empty, "UV_PYTHON_INSTALL_DIR": empty, "HOME": empty}


def scheduled(cluster: Cluster, *pythons: Environment) -> list[str]:
    return ["--scheduler", cluster.address, *(f"--python={one.version}" for one in pythons)]


def wait_until(condition: Callable[[], object], cluster: Cluster, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, cluster.logs()
        time.sleep(0.05)


def begun(frontends: Frontends, cluster: Cluster, held: Held, *argv: str) -> Running:
    """Start a run, and wait until a worker is in the middle of its hook."""
    running = frontends.start("ours", *argv, root=held.root, cwd=held.tree)
    try:
        wait_until(held.hooks, cluster)
    except BaseException:
        running.kill()
        raise
    return running


def ended_everywhere(cluster: Cluster) -> None:
    """Check that nothing of a build runs on workers, and that their temporary folders are empty."""
    wait_until(lambda: not cluster.processes_of(MARKER), cluster, seconds=20)
    wait_until(lambda: not leftovers(cluster), cluster, seconds=20)


def leftovers(cluster: Cluster) -> list[str]:
    living = [worker for worker in cluster.workers if worker.process.poll() is None]
    return [path.name for worker in living for path in worker.temporary.glob("hwb-*")]


def built(run: Run) -> list[str]:
    assert run.exit_code == 0, run.stderr
    left_nothing(run)
    return sorted(Path(name).name for name in run.artifacts)


def test_wheels_are_built_by_workers_with_other_pythons(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    tree = projects.setuptools_c(tmp_path / "w")
    # This machine has none of these interpreters, as far as the command line can find out.
    env = alone(tmp_path)
    run = frontends.ours(*scheduled(cluster, *pythons), root=tmp_path / "w", cwd=tree, env=env)
    wheels = [name for name in built(run) if name.endswith(".whl")]
    assert len(wheels) == len(pythons)
    for one in pythons:
        (name,) = (name for name in wheels if f"-{one.name}-{one.name}-" in name)
        code = f"import sys; sys.path.insert(0, {str(tree / 'dist' / name)!r}); import demo; print(demo.VALUE)"
        assert subprocess.run([one.python, "-c", code], check=True, capture_output=True).stdout == b"1\n"
        with contextlib.suppress(FileExistsError):
            (tmp_path / one.name).mkdir()
        shutil.unpack_archive(tree / "dist" / name, tmp_path / one.name, "zip")
        subprocess.run([one.python, "-c", "import _demo"], check=True, cwd=tmp_path / one.name)
    ended_everywhere(cluster)


def test_all_means_all_that_workers_have(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    projects.silent(tmp_path / "w")
    argv = ("--scheduler", cluster.address, "--python", "all", "--plan", "demo")
    run = frontends.ours(*argv, root=tmp_path / "w", env=alone(tmp_path))
    assert run.exit_code == 0, run.stderr
    assert all(f'"{one.name}-' in run.stdout for one in pythons), run.stdout


def test_a_wheel_from_a_worker_is_the_same_as_one_from_here(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    env = {"SOURCE_DATE_EPOCH": "1000000000"}
    sdist = projects.sdist(tmp_path / "w")
    here = frontends.ours("-o", "here", str(sdist), root=tmp_path / "w", env=env)
    argv = ("-o", "there", str(sdist), *scheduled(cluster, pythons[0]))
    there = frontends.ours(*argv, root=tmp_path / "w", env=env)
    assert built(here) == built(there) == ["demo-1.0-py3-none-any.whl"]
    one, other = (next(iter(run.artifacts.values())) for run in (here, there))
    assert members(one) == members(other)


def test_what_the_backend_prints_arrives_before_the_job_has_ended(
    cluster: Cluster, pythons: list[Environment], held: Held, tmp_path: Path
) -> None:
    seen = Recorder()
    sdist = projects.sdist(tmp_path / "sdist", change=held.change)
    job = Job(sdist=sdist.name, python=pythons[0].name, strategy=facts_of(VenvIsolation()), config_settings={})
    with connected(cluster.address, Processes()) as scheduler:
        handed = scheduler.submit(job, sdist.read_bytes(), task(sdist, pythons[0]), Context(environ={}, report=seen))
        wait_until(lambda: "the hook was reached" in printed(seen), cluster)
        assert handed.result(0.1) is None
        held.let_go()
        wait_until(lambda: handed.result(0.1), cluster)
        done = handed.result(0.1)
        assert done is not None
        assert printed(seen) == done.log
        assert seen.of(ArtifactBuilding) == [ArtifactBuilding("wheel")]


def printed(seen: Recorder) -> str:
    return "".join(event.text for event in seen.of(HookOutput))


def task(sdist: Path, environment: Environment) -> WheelTask:
    project = Project(source=str(sdist), output_dir=str(sdist.parent), name="demo", from_sdist=True)
    version = VersionTarget("cpython", tuple(map(int, environment.version.split("."))), False)
    target = named_target(environment.name, version, this_platform(), these_platforms())
    return WheelTask(project=project, target=target, strategy=VenvIsolation())


def test_a_screen_shows_how_far_a_worker_is(cluster: Cluster, pythons: list[Environment], held: Held) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "headless_wheel_builder", "-w", *scheduled(cluster, pythons[0])]
    with subprocess.Popen(argv, cwd=held.tree, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        while not re.search(rb" s  building", shown):
            shown += os.read(ours, 4096)
        assert running.poll() is None
        held.let_go()
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while os.read(ours, 4096):
                pass
    os.close(ours)
    assert running.returncode == 0


def test_an_error_on_a_worker_is_told_as_if_it_had_happened_here(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    change = "def build_wheel(*args):\n    print('before the end', flush=True)\n    sys.exit(3)\n"
    projects.silent(tmp_path / "w", change)
    run = frontends.ours("-w", "demo", *scheduled(cluster, pythons[0]), root=tmp_path / "w")
    refused(run, "before the end", "build_wheel")
    assert "distributed" not in run.stderr
    ended_everywhere(cluster)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_job_on_its_worker(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], held: Held, number: signal.Signals
) -> None:
    running = begun(frontends, cluster, held, "-w", *scheduled(cluster, pythons[0]))
    assert cluster.processes_of(MARKER)
    running.signal(number, group=False)
    run = running.finish(30)
    # It has waited for the end of the job.
    assert cluster.processes_of(MARKER) == []
    assert run.exit_code == 128 + number, run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    assert run.artifacts == {}
    left_nothing(run)
    ended_everywhere(cluster)


def test_a_client_that_is_killed_has_its_job_ended(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], held: Held
) -> None:
    running = begun(frontends, cluster, held, "-w", *scheduled(cluster, pythons[0]))
    running.kill()
    ended_everywhere(cluster)
    assert running.survivors() == ()
    # The worker goes on with other jobs.
    held.let_go()
    argv = ("-w", "-o", "out", *scheduled(cluster, pythons[0]))
    assert built(frontends.ours(*argv, root=held.root, cwd=held.tree)) == ["demo-1.0-py3-none-any.whl"]


def test_a_job_whose_worker_is_killed_is_done_by_another(
    frontends: Frontends, own: Cluster, pythons: list[Environment], held: Held
) -> None:
    workers = [own.add(pythons[0], pythons[0].name) for _ in range(2)]
    running = begun(frontends, own, held, "-w", *scheduled(own, pythons[0]))
    (first,) = held.hooks()
    _, survivor = sorted(workers, key=lambda worker: not (has(worker, first)))
    victim = next(worker for worker in workers if worker is not survivor)
    victim.kill()
    wait_until(lambda: len(held.hooks()) == 2, own)
    # What the dead worker had started has ended with it.
    wait_until(lambda: len(own.processes_of(MARKER)) == 1, own, seconds=20)
    assert is_gone(first)
    held.let_go()
    run = running.finish(60)
    assert built(run) == ["demo-1.0-py3-none-any.whl"]
    ended_everywhere(own)


def has(worker: Worker, process: int) -> bool:
    """Tell whether a hook is one of a worker."""
    with contextlib.suppress(OSError):
        return f"TMPDIR={worker.temporary}\0".encode() in Path(f"/proc/{process}/environ").read_bytes()
    return False


def test_a_run_whose_scheduler_dies_ends_with_a_letter(
    frontends: Frontends, own: Cluster, pythons: list[Environment], held: Held
) -> None:
    own.add(pythons[0], pythons[0].name)
    running = begun(frontends, own, held, "-w", *scheduled(own, pythons[0]))
    own.scheduler.kill()
    own.scheduler.wait()
    run = running.finish(120)
    assert run.exit_code == 1
    assert "Traceback" not in run.stderr, run.stderr
    assert "scheduler" in run.stderr
    left_nothing(run)
    wait_until(lambda: not own.processes_of(MARKER), own, seconds=60)


def test_a_signal_ends_a_run_that_waits_for_a_worker_which_does_not_answer(
    frontends: Frontends, own: Cluster, pythons: list[Environment], held: Held
) -> None:
    worker = own.add(pythons[0], pythons[0].name)
    worker.process.send_signal(signal.SIGSTOP)
    running = frontends.start("ours", "demo", *scheduled(own, pythons[0]), root=held.root)
    wait_until(lambda: "Receive client connection" in own.logs(), own)
    running.signal(signal.SIGINT, group=False)
    run = running.finish(30)
    assert run.exit_code == 130, run.stderr
    left_nothing(run)


def test_a_signal_ends_a_run_that_waits_for_what_is_no_scheduler(frontends: Frontends, tmp_path: Path) -> None:
    projects.silent(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        running = frontends.start("ours", "demo", "--scheduler", address, root=tmp_path / "w")
        # It says nothing.
        with server.accept()[0]:
            running.signal(signal.SIGINT, group=False)
            run = running.finish(30)
    assert run.exit_code == 130, run.stderr
    left_nothing(run)


def test_a_worker_with_another_version_is_refused(
    frontends: Frontends, own: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    other = another_version(pythons[0], tmp_path / "other", "0.0.7")
    own.add(pythons[0], pythons[0].name)
    own.add(other, pythons[0].name)
    projects.silent(tmp_path / "w")
    run = frontends.ours("demo", *scheduled(own, pythons[0]), root=tmp_path / "w")
    refused(run, f"Not all workers have headless-wheel-builder {__version__}", "it has 0.0.7", "pip install")


def another_version(environment: Environment, folder: Path, version: str) -> Environment:
    """Return an environment that says it has another version of us, and all else of an existing one."""
    (site_packages,) = environment.python.parents[1].glob("lib/python*/site-packages")
    subprocess.run([environment.python, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "others.pth").write_text(f"{site_packages}\n")
    info = own / f"headless_wheel_builder-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: headless-wheel-builder\nVersion: {version}\n")
    return Environment(environment.name, environment.version, folder / "bin" / "python")


def test_a_scheduler_without_workers_is_refused(frontends: Frontends, own: Cluster, tmp_path: Path) -> None:
    projects.silent(tmp_path / "w")
    run = frontends.ours("demo", "--scheduler", own.address, root=tmp_path / "w")
    refused(run, "The scheduler has no workers", "dask worker")


def test_a_capability_that_no_worker_has_is_a_clear_error(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    projects.silent(tmp_path / "w")
    run = frontends.ours("-w", "demo", "--scheduler", cluster.address, "--python=3.9", root=tmp_path / "w")
    assert run.exit_code == 1
    assert "No worker has Python 3.9: they have " in run.stderr
    assert pythons[0].name in run.stderr
    assert run.artifacts == {}
    sdist = projects.sdist(tmp_path)
    argv = ("-o", "out", str(sdist), "--scheduler", cluster.address, "--python=3.11", "--isolation=docker")
    refused(frontends.ours(*argv, root=tmp_path / "w"), "No worker has docker", "--resources 'docker=1'")


@pytest.mark.parametrize("address", ["tcp://builds.example.org:8786", "tcp://192.0.2.1:8786"])
def test_an_address_that_others_could_listen_to_is_refused(frontends: Frontends, tmp_path: Path, address: str) -> None:
    projects.silent(tmp_path / "w")
    run = frontends.ours("demo", "--scheduler", address, root=tmp_path / "w")
    refused(run, f"The scheduler {address} cannot be used safely", "tls://HOST:PORT")


def test_what_is_no_address_of_a_scheduler_is_an_error(frontends: Frontends, tmp_path: Path) -> None:
    projects.silent(tmp_path / "w")
    run = frontends.ours("demo", "--scheduler", "http://127.0.0.1:1", root=tmp_path / "w")
    refused(run, "'http://127.0.0.1:1' is no address of a scheduler", "tcp://127.0.0.1:PORT")


def test_a_scheduler_that_does_not_answer_is_an_error(frontends: Frontends, tmp_path: Path) -> None:
    projects.silent(tmp_path / "w")
    run = frontends.ours("demo", "--scheduler", "tcp://127.0.0.1:1", root=tmp_path / "w")
    refused(run, "The scheduler tcp://127.0.0.1:1 does not answer")


def test_a_scheduler_that_speaks_tls_is_used_with_the_certificates_of_dasks_configuration(
    frontends: Frontends, pythons: list[Environment], tmp_path: Path
) -> None:
    certificates = Authority(tmp_path / "authority").issue(tmp_path / "ours")
    projects.silent(tmp_path / "w")
    with Cluster(tmp_path / "cluster", pythons[0], certificates) as cluster:
        cluster.add(pythons[0], pythons[0].name)
        assert cluster.address.startswith("tls://")
        argv = ("demo", "-w", *scheduled(cluster, pythons[0]))
        without = frontends.ours(*argv, root=tmp_path / "w")
        refused(without, f"The scheduler {cluster.address} does not answer")
        assert "distributed.comm.tls" in without.stderr
        assert built(frontends.ours(*argv, root=tmp_path / "w", env=cluster.settings)) == ["demo-1.0-py3-none-any.whl"]


def test_nobody_is_listened_to_by_the_command_line(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], held: Held
) -> None:
    running = begun(frontends, cluster, held, "-w", *scheduled(cluster, pythons[0]))
    try:
        assert listeners(running.pid) == []
        # These it sees, and nobody reaches them from elsewhere.
        for process in (cluster.scheduler, *(worker.process for worker in cluster.workers)):
            assert {one.partition(":")[0] for one in listeners(process.pid)} == {"0100007F"}
    finally:
        held.let_go()
    assert built(running.finish(60)) == ["demo-1.0-py3-none-any.whl"]


def listeners(process: int) -> list[str]:
    """Return where a process listens: addresses and ports as Linux writes them."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{name}").read_text().splitlines()
    ]
    return [line[1] for line in lines if line[3] == "0A" and line[9] in inodes]


def test_a_big_sdist_travels_without_a_word(
    frontends: Frontends, cluster: Cluster, pythons: list[Environment], tmp_path: Path
) -> None:
    tree = projects.silent(tmp_path / "w")
    (tree / "noise").write_bytes(os.urandom(15_000_000))
    run = frontends.ours("demo", *scheduled(cluster, pythons[0]), root=tmp_path / "w")
    assert built(run) == ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"]
    assert "large graph" not in run.stderr
    assert "Warning" not in run.stderr, run.stderr

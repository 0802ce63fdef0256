"""Environments that are kept, through the command line: the result is that of a fresh one, whatever happens."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Run, Running, environment, left_nothing, refused
from local_index import Index, backend

from headless_wheel_builder.isolation.manifest import decode
from headless_wheel_builder.isolation.store import Limits, Store

NAME = "tinybackend"
PYPROJECT = '[build-system]\nrequires = {requires}\nbuild-backend = "tinybackend"\n'
WHEEL = "demo-1.0-py3-none-any.whl"
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
INSTALLERS = pytest.mark.parametrize("installer", ["uv", "pip"])
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}


class World:
    """An index, a store, the caches of installers, and projects."""

    def __init__(self, folder: Path, index: Index, frontends: Frontends) -> None:
        self.folder = folder
        self.index = index
        self.frontends = frontends
        self.store = folder / "store"
        self.env = {
            "HWB_CACHE_DIR": os.fspath(self.store),
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": os.fspath(folder / "uv"),
            "UV_HTTP_RETRIES": "0",
            "PIP_INDEX_URL": index.url,
            "PIP_CACHE_DIR": os.fspath(folder / "pip"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            "PIP_RETRIES": "0",
        }

    def project(self, name: str = "demo", requires: Sequence[str] = (NAME,)) -> Path:
        """Make a project, in a workspace of its own."""
        files = {"pyproject.toml": PYPROJECT.format(requires=list(requires)), "name": name}
        return projects.write(self.folder / f"w-{name}" / name, files)

    def build(self, project: Path, *argv: str, installer: str = "uv", **env: str) -> Run:
        """Build it, and see that nothing but artifacts is left."""
        return self.start(project, *argv, installer=installer, **env).finished()

    def start(
        self, project: Path, *argv: str, installer: str = "uv", prefix: Sequence[str] = (), **env: str
    ) -> Started:
        arguments = ("--installer", installer, *argv, os.fspath(project))
        running = self.frontends.start("ours", *arguments, root=project.parent, env={**self.env, **env}, prefix=prefix)
        return Started(running)

    def environments(self) -> list[Path]:
        """Return the environments of the store, and see that each is as it was made."""
        found = []
        for path in self.store.glob("v1/environments/*/manifest"):
            manifest = decode(path.read_bytes())
            assert manifest is not None
            assert manifest.difference(os.fspath(path.parent / manifest.name)) is None
            found.append(path.parent / manifest.name)
        return found


class Started:
    """A build that was started."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def finished(self) -> Run:
        run = self.running.finish()
        left_nothing(run)
        return run


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as index:
        index.publish(NAME, "1.0", backend("1.0"))
        yield index


@pytest.fixture
def world(tmp_path: Path, index: Index, frontends: Frontends) -> World:
    return World(tmp_path, index, frontends)


def made_by(run: Run, name: str = "demo") -> str:
    """Return which version of the backend built the wheel."""
    return marks(run, name)[0]


def marks(run: Run, name: str = "demo") -> list[str]:
    """Return what the backend wrote into the wheel: its version, Python's, and where that is."""
    assert run.exit_code == 0, run.stderr
    wheel = next(path for key, path in run.artifacts.items() if key.endswith(f"{name}-1.0-py3-none-any.whl"))
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("demo.py").decode().split()


def outputs(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "dist").iterdir())


@pytest.mark.parametrize("make", [projects.flit, projects.hatchling, projects.setuptools])
def test_artifacts_are_the_same_byte_for_byte_whatever_the_environment(
    tmp_path: Path, frontends: Frontends, make: Callable[[Path], Path]
) -> None:
    env = {**EPOCH, "HWB_CACHE_DIR": os.fspath(tmp_path / "store")}
    runs = []
    for number, flags in enumerate(((), (), ("--fresh-env",))):
        make(tmp_path / f"w{number}")
        runs.append(frontends.ours("demo", *flags, root=tmp_path / f"w{number}", env=env))
    make(tmp_path / "w3")
    runs.append(frontends.theirs("--installer", "uv", "demo", root=tmp_path / "w3", env=env))
    assert [run.exit_code for run in runs] == [0] * 4
    # setuptools writes the time of day into its sdists, whoever calls it.
    is_stable = make is not projects.setuptools
    for name in runs[0].artifacts:
        assert [run.contents[name] for run in runs[1:]] == [runs[0].contents[name]] * 3
        if is_stable or name.endswith(".whl"):
            assert len({run.artifacts[name].read_bytes() for run in runs}) == 1
    assert [sorted(run.artifacts) for run in runs] == [sorted(runs[0].artifacts)] * 4
    assert len(runs[0].artifacts) == 2
    assert [run.steps for run in runs[1:]] == [runs[0].steps] * 3


@INSTALLERS
def test_a_new_version_is_used_by_the_very_next_build(world: World, installer: str) -> None:
    project = world.project()
    assert made_by(world.build(project, installer=installer)) == "1.0"
    world.index.publish(NAME, "2.0", backend("2.0"))
    run = world.build(project, installer=installer)
    assert made_by(run) == "2.0"
    assert f"  The index now has {NAME} 2.0 instead of 1.0: building again with that\n" in run.stderr
    assert outputs(project) == [WHEEL, "demo-1.0.tar.gz"]
    run = world.build(project, installer=installer)
    assert made_by(run) == "2.0"
    assert "The index now has" not in run.stderr
    assert len(world.environments()) == 2


def test_what_the_outdated_backend_would_have_called_its_artifacts_is_not_published(world: World) -> None:
    project = world.project()
    world.index.publish(NAME, "2.0", backend("2.0", "VERSION = '2.0'"))
    world.build(project)
    shutil.rmtree(project / "dist")
    world.index.publish(NAME, "3.0", backend("3.0", "VERSION = '3.0'"))
    assert world.build(project).exit_code == 0
    assert outputs(project) == ["demo-3.0-py3-none-any.whl", "demo-3.0.tar.gz"]


@pytest.mark.parametrize("take", [Index.yank, Index.remove])
def test_a_version_that_is_taken_back_is_not_used_any_more(
    world: World, take: Callable[[Index, str, str], None]
) -> None:
    project = world.project()
    world.index.publish(NAME, "2.0", backend("2.0"))
    assert made_by(world.build(project)) == "2.0"
    take(world.index, NAME, "2.0")
    assert made_by(world.build(project)) == "1.0"


def test_the_time_that_uv_may_not_look_beyond_holds(world: World) -> None:
    project = world.project()
    world.index.publish(NAME, "2.0", backend("2.0"), time="2025-01-01T00:00:00Z")
    for env, version in (({}, "2.0"), ({"UV_EXCLUDE_NEWER": "2024-01-01"}, "1.0"), ({}, "2.0")):
        assert made_by(world.build(project, **env)) == version
    assert len(world.environments()) == 2


def test_without_a_network_uv_offline_builds_with_what_is_cached(world: World) -> None:
    project = world.project()
    world.build(project)
    world.index.close()
    run = world.build(project, UV_OFFLINE="1")
    assert made_by(run) == "1.0"
    shutil.rmtree(world.store)
    assert made_by(world.build(project, UV_OFFLINE="1")) == "1.0"


@INSTALLERS
def test_an_index_out_of_reach_fails_the_build_as_in_a_fresh_environment(world: World, installer: str) -> None:
    project = world.project()
    world.build(project, "-o", os.fspath(world.folder / "elsewhere"), installer=installer)
    world.index.close()
    for flags in ((), ("--fresh-env",)):
        refused(world.build(project, *flags, installer=installer), "could not be installed", "UV_OFFLINE=1")


@INSTALLERS
def test_other_constraints_hold_in_the_very_next_build(world: World, installer: str) -> None:
    project = world.project()
    world.index.publish(NAME, "2.0", backend("2.0"))
    constraints = world.folder / "constraints.txt"
    for text, version in ((f"{NAME}<2", "1.0"), (f"{NAME}>1", "2.0")):
        constraints.write_text(text)
        run = world.build(project, "--dependency-constraints-txt", os.fspath(constraints), installer=installer)
        assert made_by(run) == version
    constraints.write_text(f"{NAME}>5")
    run = world.build(project, "--dependency-constraints-txt", os.fspath(constraints), installer=installer)
    refused(run, "could not be installed")


def test_a_requirement_from_a_folder_is_as_it_is_now(world: World) -> None:
    # Of other lengths: Python takes old bytecode for a file of the same size and second.
    for version in ("1.0", "10.0"):
        table = """\
            [build-system]
            requires = []
            build-backend = "maker"
            backend-path = ["."]
            """
        maker = f"{projects.BACKEND}\n{projects.SILENT}\nNAME, VERSION = 'helper', {version!r}\n"
        projects.write(world.folder / "helper", {"pyproject.toml": table, "maker.py": maker})
        project = world.project(requires=[NAME, f"helper @ {(world.folder / 'helper').as_uri()}"])
        run = world.build(project, "-v")
        assert made_by(run) == "1.0"
        assert f"helper=={version}" in run.stderr.replace(" ", "")
        assert "not kept" in run.stderr
    assert world.environments() == []


def test_many_builds_at_once_share_a_store(world: World) -> None:
    for number in range(3):
        world.index.publish(f"helper{number}", "1.0")
    wanted = [[NAME, *(f"helper{bit}" for bit in range(3) if number & 1 << bit)] for number in range(8)]
    made = [world.project(f"project{number}", requires) for number, requires in enumerate(wanted)]
    started = []
    for number in range(20):
        out = world.folder / f"out{number}" / "dist"
        out.parent.mkdir()
        running = world.frontends.start(
            "ours", "-o", os.fspath(out), os.fspath(made[number % 8]), root=out.parent, env=world.env
        )
        started.append(Started(running))
    for number, build in enumerate(started):
        run = build.finished()
        assert run.exit_code == 0, run.stderr
        assert sorted(run.artifacts) == [
            f"dist/project{number % 8}-1.0-py3-none-any.whl",
            f"dist/project{number % 8}-1.0.tar.gz",
        ]
        assert made_by(run, f"project{number % 8}") == "1.0"
    assert len(world.environments()) == 8
    tidy(world)


def tidy(world: World) -> None:
    """See that there is nothing in the store but complete environments and answers."""
    complete = {path.parent for path in world.environments()}
    shelves = set(world.store.glob("v1/environments/*"))
    assert shelves == complete
    for shelf in shelves:
        assert len(list(shelf.iterdir())) == 3
    assert not list(world.store.glob("v1/answers/*.new"))


def test_builds_that_are_killed_at_any_moment_leave_a_store_that_works(world: World) -> None:
    chance = random.Random(1)
    made = [world.project(f"project{number}", [NAME, f"helper{number}"]) for number in range(3)]
    for number in range(3):
        world.index.publish(f"helper{number}", "1.0")
    killed = []
    for _ in range(20):
        started = [world.start(chance.choice(made)).running for _ in range(2)]
        for running in started:
            time.sleep(chance.uniform(0.0, 0.5))
            running.kill()
        killed += started
    for running in killed:
        running.survivors()
    world.environments()
    for number, project in enumerate(made):
        assert made_by(world.build(project), f"project{number}") == "1.0"
    for draft in world.store.glob("v1/answers/*.new"):
        # Somebody may be about to finish a young one.
        os.utime(draft, (0, 0))
    Store(os.fspath(world.store)).collect()
    tidy(world)
    Store(os.fspath(world.store), limits=Limits(age=-1)).collect()
    assert world.environments() == []


# What is measured settles after the first builds: modules are imported, caches are filled.
ENGINE = """
    import asyncio, gc, json, os, sys, tempfile, threading

    from headless_wheel_builder import BuildConfig, BuildEngine
    from headless_wheel_builder.isolation import VenvConfig, VenvIsolation

    project, warm, more = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    engine = BuildEngine(BuildConfig(isolation=VenvIsolation(VenvConfig(cache_envs=True))))

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def children():
        with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
            return file.read().split()

    def state():
        # The thread of the last build has given its result, and is about to end.
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join(5)
        gc.collect()
        return {
            "descriptors": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "objects": len(gc.get_objects()),
            "resident": resident(),
            "children": children(),
            "temporary": os.listdir(tempfile.gettempdir()),
        }

    async def build(times):
        for _ in range(times):
            result = await engine.build(project, sdist=False)
            assert len(result.artifacts) == 1

    states = []
    for times in (warm, more):
        asyncio.run(build(times))
        states.append(state())
    print(json.dumps(states))
    """


def test_two_hundred_builds_of_one_process_leave_nothing_behind(world: World) -> None:
    project = projects.flit(world.folder / "w")
    (world.folder / "tmp").mkdir()
    env = {**environment(), "HWB_CACHE_DIR": os.fspath(world.store), "TMPDIR": os.fspath(world.folder / "tmp")}
    # So that the index is asked once, and answers are as quick as can be.
    subprocess.run([sys.executable, "-m", "headless_wheel_builder", "-w", project], env=env, check=True, stderr=-3)
    argv = [sys.executable, "-c", textwrap.dedent(ENGINE), os.fspath(project), "20", "180"]
    printed = subprocess.run(argv, env={**env, "UV_OFFLINE": "1"}, check=True, stdout=subprocess.PIPE).stdout
    before, after = json.loads(printed)
    assert before["children"] == after["children"] == []
    assert before["temporary"] == after["temporary"] == []
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"] == 1
    assert after["objects"] - before["objects"] < 180
    assert after["resident"] - before["resident"] < 4_000_000


def test_a_store_that_cannot_be_made_is_warned_of_and_changes_nothing_else(world: World) -> None:
    project = world.project()
    for folder in ("/proc/hwb", os.fspath(project / "pyproject.toml")):
        run = world.build(project, HWB_CACHE_DIR=folder)
        assert made_by(run) == "1.0"
        assert run.stderr.count("WARNING Environments are not kept: ") == 1
        assert "HWB_CACHE_DIR" in run.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_the_store_of_another_user_is_warned_of_and_not_used(world: World) -> None:
    project = world.project()
    world.build(project)
    before = sorted(world.store.rglob("*"))
    os.chown(world.store / "v1", 65534, 65534)
    run = world.build(project)
    assert made_by(run) == "1.0"
    assert run.stderr.count("WARNING Environments are not kept: ") == 1
    assert "belongs to another user" in run.stderr
    assert sorted(world.store.rglob("*")) == before


def virtual(folder: Path, python: str | Path = sys.executable) -> Path:
    """Make a virtual environment, and return its interpreter."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, env=environment())
    return folder / "bin" / "python"


def test_an_interpreter_that_goes_and_comes_again_is_no_trouble(world: World) -> None:
    project = world.project()
    python = virtual(world.folder / "venv")
    assert made_by(world.build(project, "--python", os.fspath(python))) == "1.0"
    shutil.rmtree(world.folder / "venv")
    run = world.build(project, "-o", os.fspath(world.folder / "elsewhere"), "--python", os.fspath(python))
    refused(run, "There is no interpreter at")
    assert made_by(world.build(project)) == "1.0"
    virtual(world.folder / "venv")
    assert made_by(world.build(project, "--python", os.fspath(python))) == "1.0"


def test_an_environment_of_a_link_that_leads_elsewhere_is_made_anew(world: World) -> None:
    project = world.project()
    real = Path(os.path.realpath(sys.executable))
    for name in ("one", "two"):
        (world.folder / name).symlink_to(real.parent.parent)
    (world.folder / "chosen").symlink_to("one")
    python = os.fspath(world.folder / "chosen" / "bin" / real.name)
    assert made_by(world.build(project, "--python", python)) == "1.0"
    (world.folder / "chosen").unlink()
    (world.folder / "chosen").symlink_to("two")
    (world.folder / "one").unlink()
    assert made_by(world.build(project, "--python", python)) == "1.0"


def other_python(folder: Path) -> tuple[str, str]:
    """Return an interpreter that is not the one which runs the tests, and its version."""
    for version in ("3.11", "3.13", "3.10"):
        for found in Path.home().glob(f".pyenv/versions/{version}.*/bin/python"):
            if version != THIS:
                return os.fspath(found), version
    return os.fspath(virtual(folder)), THIS


def test_two_interpreters_in_turn_have_an_environment_each(world: World) -> None:
    project = world.project()
    other, version = other_python(world.folder / "other")
    seen = []
    for python, expected in ((sys.executable, THIS), (other, version)) * 2:
        run = world.build(project, "--python", python)
        assert marks(run)[1] == expected
        assert "The index now has" not in run.stderr
        seen.append(marks(run)[2])
    assert len(world.environments()) == 2
    assert seen[:2] == seen[2:]


def test_bytecode_is_kept_even_if_the_caller_wants_none(world: World) -> None:
    project = world.project()
    for _ in range(2):
        world.build(project, PYTHONDONTWRITEBYTECODE="1")
    (environment,) = world.environments()
    assert list(environment.glob(f"lib/*/site-packages/__pycache__/{NAME}.*.pyc"))
    assert not list(project.rglob("__pycache__"))


@pytest.mark.parametrize("mask", ["077", "022", "002"])
def test_a_store_works_whatever_the_umask(world: World, mask: str) -> None:
    project = world.project()
    umask = ("/bin/sh", "-c", f'umask {mask}; exec "$@"', "sh")
    for _ in range(2):
        run = world.start(project, prefix=umask).finished()
        assert made_by(run) == "1.0"
        assert "WARNING" not in run.stderr
    assert len(world.environments()) == 1
    assert all(path.stat().st_mode & 0o077 == 0 for path in (world.store, world.store / "v1"))


def test_a_build_that_is_interrupted_while_the_index_is_asked_ends_at_once(
    world: World, mark: Mapping[str, str]
) -> None:
    project = world.project()
    world.build(project, "-o", os.fspath(world.folder / "elsewhere"))
    answer, world.index.answer = world.index.answer, lambda path: mark["wait"]() or answer(path)  # type: ignore[method-assign]
    started = world.start(project)
    mark["asked"]()
    started.running.signal(signal.SIGINT, group=True)
    run = started.finished()
    assert run.exit_code == 130
    assert run.changes == ()


# Says which hosts a build starts, and when it waits for the one that was started ahead.
LISTENING = """\
import sys

def hear(event, args):
    # The guard is forked too.
    if event == "os.fork" and sys._getframe(1).f_globals["__name__"].endswith(".headstart"):
        print("started ahead", file=sys.stderr)
    if event == "subprocess.Popen" and any(str(one).endswith("host.py") for one in args[1]):
        print("started", file=sys.stderr)

sys.addaudithook(hear)
del sys.argv[1:4]
from headless_wheel_builder.cli import script

script()
"""


def hosts(run: Run) -> list[str]:
    assert run.exit_code == 0, run.stderr
    return [line for line in run.stderr.splitlines() if line.startswith("started")]


def listening(world: World, project: Path) -> Run:
    prefix = [sys.executable, "-c", LISTENING]
    return world.start(project, prefix=prefix).finished()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no hook host elsewhere")
def test_the_host_of_the_last_build_is_started_ahead_and_only_that(world: World) -> None:
    project = world.project()
    built = [hosts(listening(world, project)) for _ in range(3)]
    assert built == [["started"], ["started ahead"], ["started ahead"]]
    world.index.publish(NAME, "2.0", backend("2.0"))
    run = listening(world, project)
    assert hosts(run) == ["started ahead", "started"]
    assert made_by(run) == "2.0"
    (project / "pyproject.toml").write_text(PYPROJECT.format(requires=[f"{NAME}==1.0"]))
    run = listening(world, project)
    assert made_by(run) == "1.0"


def test_a_host_that_was_started_ahead_for_nothing_is_gone(world: World) -> None:
    project = world.project()
    for _ in range(2):
        world.build(project)
    (project / "pyproject.toml").write_text("[nonsense")
    run = world.build(project)
    refused(run, "Failed to parse")


@pytest.fixture
def mark() -> Iterator[dict[str, Callable[[], object]]]:
    """Be what an index that does not answer does, and how to wait for somebody to ask it."""
    asked, over = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        over.wait(60)

    yield {"wait": wait, "asked": lambda: asked.wait(60)}
    over.set()

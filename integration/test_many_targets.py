"""Many targets in one run: real interpreters and sdists, and interpreters that pretend to be of other versions.

There may be only one Python on a machine. What pretends to be another one says so when it is asked, and runs that one.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import projects
import pytest
import uv
from container_builds import ContainerBuilds
from frontends import Frontends, Run, environment, left_nothing
from index import SDISTS, kept
from pretenders import VARIABLE, make_pretender, pythons, tag_of

BY_NAME = {sdist.name: sdist for sdist in SDISTS}
# What shows that the machine code is there and runs.
COMPILED = {
    "markupsafe": "import markupsafe._speedups as s; assert s._escape_inner('<') == '&lt;'",
    "mmh3": "import mmh3; assert mmh3.hash('foo') == -156908512",
    "setproctitle": "import setproctitle._setproctitle as s; s.setproctitle('x'); assert s.getproctitle() == 'x'",
}
VERSIONS = [version for version in ((3, 9), (3, 10), (3, 11), (3, 14)) if version != sys.version_info[:2]][:3]
TAGS = [tag_of(version) for version in VERSIONS]
WHEELS = [f"demo-1.0-{tag}.whl" for tag in TAGS]
NAMES = [f"{tag.split('-')[0]}-{tag.split('-')[2]}" for tag in TAGS]
THIS = ".".join(map(str, sys.version_info[:2]))
# Below the usual backend: a wheel for each pretender, and a line for each call.
BACKEND = f"""
TALK = False
MINE = os.environ.get({VARIABLE!r}, "py3-none-any")
TAG = MINE

def say(hook, config_settings):
    with open(LOG, "a") as log:
        log.write(f"{{hook}} {{MINE}}\\n")
"""
BEFORE_WHEEL = """
usual = build_wheel

def build_wheel(folder, *args):
{body}
    return usual(folder, *args)
"""


class World:
    """A workspace, three interpreters, and a log of hooks."""

    def __init__(self, folder: Path, frontends: Frontends) -> None:
        self.root = folder / "w"
        self.root.mkdir()
        self.log = folder / "hooks.log"
        self.frontends = frontends
        paths = [folder / "bin" / f"python3.{minor}" for _, minor in VERSIONS]
        self.interpreters = [make_pretender(path, version) for path, version in zip(paths, VERSIONS, strict=True)]
        # How long other tests took is not known here, so the order is that of the command line.
        self.env = {"HWB_CACHE_DIR": str(folder / "cache"), "PYENV_ROOT": str(folder / "no-pyenv")}

    def project(self, body: str = "", change: str = "", folder: str = "demo") -> Path:
        """Make a project.

        :param body: what its `build_wheel` does first
        """
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        hook = BEFORE_WHEEL.replace("{body}\n", lines) if body else ""
        return projects.demo(self.root, f"LOG = {str(self.log)!r}\n{BACKEND}\n{change}\n{hook}", folder=folder)

    def argv(self, *argv: str) -> list[str]:
        return ["-nx", *argv, *pythons(*self.interpreters)]

    def run(self, *argv: str) -> Run:
        """Build for all three interpreters; nothing may be left."""
        return self.frontends.ours(*self.argv(*argv), root=self.root, env=self.env)

    @property
    def hooks(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def world(tmp_path: Path, frontends: Frontends) -> World:
    return World(tmp_path, frontends)


@pytest.fixture
def sdists(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("sdists")


def table(run: Run) -> dict[str, str]:
    """Return what came of each target, as the table at the end says it."""
    rows = run.stderr.rpartition("\ntarget ")[2].splitlines()[1:]
    found = [re.match(r"(.+?)  +(built|served|excluded|missing|failed|stopped)\b", row) for row in rows]
    return {match[1]: match[2] for match in found if match}


def names(run: Run) -> list[str]:
    return sorted(path.name for path in run.artifacts.values())


def no_traceback(run: Run) -> None:
    assert "Traceback" not in run.stdout + run.stderr, run.stderr
    assert "This is a bug" not in run.stderr, run.stderr


def plan(run: Run) -> dict[str, Any]:
    """Return the plan that a run printed; it did nothing else."""
    assert run.exit_code == 0, run.stderr
    assert run.changes == ()
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def has_headers(python: str) -> bool:
    """Tell whether an interpreter has what extensions in C are compiled with."""
    code = "import os, sysconfig; print(os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout == "True\n"


def imported(wheel: Path, python: str, code: str, folder: Path) -> None:
    """Install a wheel in an environment of an interpreter, with nothing else, and run code there."""
    program = uv.find_uv_bin()
    subprocess.run([program, "venv", "--quiet", "--python", python, folder], check=True)
    own = folder / "bin" / "python"
    install = [program, "pip", "install", "--quiet", "--no-index", "--no-deps", "--python", own, wheel]
    subprocess.run(install, check=True)
    subprocess.run([own, "-I", "-c", code], check=True, cwd=folder)


@pytest.mark.parametrize("name", COMPILED)
def test_a_real_extension_in_c_is_built_for_all_interpreters_of_this_machine_and_imported_in_each(
    frontends: Frontends, sdists: Path, tmp_path: Path, name: str
) -> None:
    archive = kept(BY_NAME[name], sdists, environment())
    root = tmp_path / "w"
    root.mkdir()
    argv = [str(archive), "--python", "all", "-o", "out"]
    targets = {
        one["identifier"]: one["python"]
        for one in plan(frontends.ours(*argv, "--plan", root=root))["targets"]
        if has_headers(one["python"])
    }
    assert targets, "no interpreter has headers"
    run = frontends.ours(*argv, root=root)
    no_traceback(run)
    statuses = table(run) or dict.fromkeys(targets, "built")
    built = [identifier for identifier in targets if statuses[identifier] == "built"]
    assert built
    assert {statuses[identifier] for identifier in targets} <= {"built", "excluded"}, run.stderr
    for identifier in built:
        interpreter = identifier.partition("-")[0]
        tag = f"-{interpreter.removesuffix('t')}-{interpreter}-"
        (wheel,) = (path for path in run.artifacts.values() if tag in path.name)
        imported(wheel, targets[identifier], COMPILED[name], tmp_path / identifier)


def base_interpreter() -> Path:
    """Return the interpreter that the one of the tests is an environment of, if it is one."""
    return Path(os.path.realpath(sys.executable))


def uv_managed(folder: Path, interpreter: Path, version: str) -> Path:
    """Put an interpreter where uv would have installed it."""
    minor = ".".join(version.split(".")[:2])
    place = folder / f"cpython-{version}-linux-{platform.machine()}-gnu" / "bin" / f"python{minor}"
    place.parent.mkdir(parents=True)
    place.symlink_to(interpreter)
    return place


def of_pyenv(folder: Path, interpreter: Path, name: str) -> Path:
    """Put an interpreter where pyenv would have installed it."""
    place = folder / "versions" / name / "bin" / "python"
    place.parent.mkdir(parents=True)
    place.symlink_to(interpreter)
    return place


def broken(path: Path) -> Path:
    """Make what looks like an interpreter and cannot run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho 'error while loading shared libraries' >&2\nexit 127\n")
    path.chmod(0o755)
    return path


def test_interpreters_of_uv_come_before_those_of_pyenv_and_those_before_the_systems(
    frontends: Frontends, tmp_path: Path
) -> None:
    root, real = projects.silent(tmp_path / "w").parent, base_interpreter()
    exact = platform.python_version()
    uv_folder, pyenv, system = tmp_path / "uv", tmp_path / "pyenv", tmp_path / "bin"
    places = [uv_managed(uv_folder, real, exact), of_pyenv(pyenv, real, exact), system / f"python{THIS}"]
    system.mkdir()
    places[2].symlink_to(real)
    # Of other versions, so that each place has one that only it has.
    version = VERSIONS[0]
    other = make_pretender(pyenv / "versions" / f"{version[0]}.{version[1]}.4" / "bin" / "python", (*version, 4))
    make_pretender(system / f"python3.{version[1]}", (*version, 9))
    last = make_pretender(system / f"python3.{VERSIONS[1][1]}", (*VERSIONS[1], 9))
    # Broken ones are in every place, before those that work.
    uv_folder.joinpath("cpython-3.99.0-linux-x86_64-gnu", "bin").mkdir(parents=True)
    broken(uv_folder / f"cpython-3.8.20-linux-{platform.machine()}-gnu" / "bin" / "python3.8")
    broken(pyenv / "versions" / "9.9.9" / "bin" / "python")
    (pyenv / "versions" / "9.9.8" / "bin").mkdir(parents=True)
    (pyenv / "versions" / "9.9.8" / "bin" / "python").symlink_to(tmp_path / "gone")
    broken(tmp_path / "first" / f"python3.{VERSIONS[1][1]}")
    env = {
        "UV_PYTHON_INSTALL_DIR": str(uv_folder),
        "PYENV_ROOT": str(pyenv),
        "PATH": os.pathsep.join([str(tmp_path / "first"), "/missing", str(system), "/bin"]),
    }

    def found() -> dict[str, str]:
        run = frontends.ours("demo", "--python", "all", "--plan", root=root, env=env)
        return {one["interpreter"]: one["python"] for one in plan(run)["targets"]}

    this = f"cp{THIS.replace('.', '')}"
    expected = {f"cp3{version[1]}": str(other), f"cp3{VERSIONS[1][1]}": str(last)}
    for place in places:
        targets = found()
        assert targets[this] == str(place)
        assert {name: targets[name] for name in expected} == expected
        # The next place has it, too.
        place.unlink()
    assert found()[this] != str(places[2])


def test_one_sdist_is_built_and_every_wheel_comes_from_it(world: World) -> None:
    world.project()
    run = world.run("demo")
    assert run.exit_code == 0, run.stderr
    assert names(run) == sorted(["demo-1.0.tar.gz", *WHEELS])
    assert table(run) == dict.fromkeys(("sdist", *NAMES), "built")
    calls = Counter(world.hooks)
    assert sum(count for call, count in calls.items() if call.startswith("build_sdist ")) == 1
    assert [calls[f"build_wheel {tag}"] for tag in TAGS] == [1, 1, 1]
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith("Successfully built demo-1.0.tar.gz")


def test_a_wheel_that_serves_all_targets_is_built_once(world: World) -> None:
    world.project(change="TAG = 'py3-none-any'")
    run = world.run("demo", "--jobs", "1")
    assert run.exit_code == 0, run.stderr
    assert names(run) == ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"]
    assert table(run) == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "served", NAMES[2]: "served"}
    assert sum(call.startswith("build_wheel ") for call in world.hooks) == 1


def test_a_failing_target_costs_the_others_nothing(world: World) -> None:
    world.project(body=f"if MINE == {TAGS[1]!r}:\n    sys.exit('no compiler')")
    run = world.run("demo")
    no_traceback(run)
    assert (run.exit_code, run.stdout) == (1, "")
    assert names(run) == sorted(["demo-1.0.tar.gz", WHEELS[0], WHEELS[2]])
    assert table(run) == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "failed", NAMES[2]: "built"}
    assert "no compiler" in run.stderr.partition(f"* {NAMES[1]}: failed")[2]


def test_an_interpreter_that_disappears_is_a_failure_of_its_target_only(world: World) -> None:
    gone = world.interpreters[1]
    world.project(body=f"if MINE == {TAGS[0]!r}:\n    os.unlink({str(gone)!r})")
    run = world.run("demo", "--jobs", "1")
    no_traceback(run)
    assert run.exit_code == 1
    assert table(run) == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "failed", NAMES[2]: "built"}
    assert f"ERROR There is no interpreter at {gone}" in run.stderr
    assert names(run) == sorted(["demo-1.0.tar.gz", WHEELS[0], WHEELS[2]])


def test_of_two_targets_that_would_write_one_file_the_later_one_is_an_error(world: World) -> None:
    world.project(change=f"TAG = 'cp37-cp37m-linux_{platform.machine()}' if MINE != {TAGS[2]!r} else MINE")
    run = world.run("demo", "--jobs", "1")
    no_traceback(run)
    assert run.exit_code == 1
    assert table(run) == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "failed", NAMES[2]: "built"}
    both = f"demo-1.0-cp37-cp37m-linux_{platform.machine()}.whl"
    assert names(run) == sorted([both, "demo-1.0.tar.gz", WHEELS[2]])
    assert f"ERROR {both} is what demo {NAMES[0]} made already; that one stays" in run.stderr


@pytest.mark.parametrize("group", [False, True], ids=["the frontend alone", "the whole process group"])
def test_ctrl_c_in_the_middle_keeps_what_is_finished_and_nothing_else(world: World, *, group: bool) -> None:
    reached = world.root.parent / "reached"
    hang = (
        f"if MINE != {TAGS[0]!r}:\n"
        "    import subprocess, time\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    open(folder + '/half.whl', 'w').close()\n"
        f"    open({str(reached)!r}, 'w').close()\n"
        "    time.sleep(600)"
    )
    world.project(body=hang)
    running = world.frontends.start("ours", *world.argv("demo", "--jobs", "1"), root=world.root, env=world.env)
    running.wait_for(world.root / "demo" / "dist" / WHEELS[0], reached)
    running.signal(signal.SIGINT, group=group)
    run = running.finish(30)
    left_nothing(run)
    no_traceback(run)
    assert (run.exit_code, run.stdout) == (130, "")
    assert set(run.changes) == {f"demo/dist{name}" for name in ("", "/demo-1.0.tar.gz", f"/{WHEELS[0]}")}
    assert table(run) == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "stopped", NAMES[2]: "stopped"}
    assert run.errors == ["ERROR Interrupted by SIGINT"]


def test_sources_of_a_workspace_are_built_in_one_run(world: World) -> None:
    world.project(folder="packages/one", change="NAME = 'one'")
    world.project(folder="packages/two", change="NAME = 'two'")
    given = projects.sdist(world.root, change="TALK = False")
    run = world.run("packages/one", "packages/two", given.name, "--outdir", "dist")
    assert run.exit_code == 0, run.stderr
    expected = ["demo-1.0-py3-none-any.whl", "one-1.0.tar.gz", "two-1.0.tar.gz"]
    expected += [wheel.replace("demo", name) for wheel in WHEELS for name in ("one", "two")]
    assert names(run) == sorted(expected)
    assert {path.split("/")[0] for path in run.artifacts} == {"dist"}
    assert set(table(run).values()) == {"built", "served"}
    assert table(run)["two sdist"] == "built"
    assert run.stdout.count("\n") == 1


def test_every_target_is_in_exactly_one_shard(world: World) -> None:
    world.project(folder="one", change="NAME = 'one'")
    world.project(folder="two", change="NAME = 'two'")

    def planned(*argv: str) -> dict[str, Any]:
        return plan(world.run("one", "two", "--python", "/none/python", "--plan", *argv))

    def targets(part: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["source"], one["identifier"]) for kind in ("targets", "missing") for one in part[kind]]

    whole = planned()
    assert len(targets(whole)) == 8
    for count in (1, 3, 9):
        parts = [planned("--shard", f"{index}/{count}") for index in range(1, count + 1)]
        assert Counter(target for part in parts for target in targets(part)) == Counter(targets(whole))
        assert [part["sdists"] for part in parts] == [["one", "two"], *[[]] * (count - 1)]


def test_the_shards_of_a_run_build_what_one_run_builds(world: World) -> None:
    world.project()
    built: list[str] = []
    for index in (1, 2):
        run = world.run("demo", "-o", f"out{index}", "--shard", f"{index}/2")
        assert run.exit_code == 0, run.stderr
        built += names(run)
    assert sorted(built) == sorted(["demo-1.0.tar.gz", *WHEELS])


def test_every_interpreter_of_an_image_gets_a_wheel_from_a_container(
    builds: ContainerBuilds, sdists: Path, tmp_path: Path
) -> None:
    archive = kept(BY_NAME["markupsafe"], sdists, environment())
    root = tmp_path / "w"
    root.mkdir()
    argv = [str(archive), "-o", "out"]
    targets = plan(builds.build(root, *argv, "--plan", python="all"))["targets"]
    run = builds.build(root, *argv, python="all")
    assert run.exit_code == 0, run.stderr
    statuses = table(run) or {one["identifier"]: "built" for one in targets}
    assert set(statuses) == {one["identifier"] for one in targets}
    assert set(statuses.values()) <= {"built", "excluded"}
    wheels = {path.name.split("-")[3]: path for path in run.artifacts.values()}
    for one in targets:
        if statuses[one["identifier"]] == "built":
            wheel = wheels[one["interpreter"]]
            assert "manylinux_2_36_x86_64" in wheel.name
            code = f"{COMPILED['markupsafe']}; print('it works')"
            assert builds.imported("hwb-test/manylinux_2_36_x86_64", wheel, code, one["python"]) == "it works"


def test_hooks_in_containers_are_told_their_share(builds: ContainerBuilds, tmp_path: Path) -> None:
    change = "def say(hook, _):\n    print(hook, [os.environ.get(one) for one in ('MAX_JOBS', 'MAKEFLAGS')])"
    projects.demo(tmp_path, change)
    run = builds.build(tmp_path, "demo", "--jobs", "1", "--env", "MAX_JOBS=17", "-w")
    assert run.exit_code == 0, run.stderr
    cores = builds.api.info()["NCPU"]
    assert f"build_wheel ['17', '-j{cores}']" in run.stderr

"""The Python API, as a caller with an event loop uses it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import LocalBackend
from support import SDIST, WHEEL, FakeProvisioner, LocalProject, Recorder, is_alive, is_gone, make_distribution, pid_in

from headless_wheel_builder import BuildConfig, BuildEngine, build_wheel
from headless_wheel_builder.errors import (
    DeadlineError,
    DependencyError,
    HeadlessWheelBuilderError,
    HookFailedError,
    IsolationError,
    RequestError,
    UnmetDependenciesError,
)
from headless_wheel_builder.events import ArtifactBuilding, EnvironmentCreating, RequirementsInstalling, Warned
from headless_wheel_builder.isolation import BuildEnvironment, NoIsolation

SLEEPING = """
def build_wheel(*arguments):
    open(HOME + "/pid", "w").write(f"{os.getpid()}\\n")
    time.sleep(60)
"""
# A process that has left its group, and whose parent has gone; then the end of the host.
DAEMON = """
def build_wheel(*arguments):
    import signal, subprocess
    argv = [sys.executable, "-c", "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"]
    start = f"import subprocess; subprocess.Popen({argv}, start_new_session=True, stdin=-3, stderr=-3)"
    with open(HOME + "/pid", "w") as file:
        subprocess.run([sys.executable, "-c", start], check=True, stdout=file)
    while not os.path.getsize(HOME + "/pid"):
        time.sleep(0.01)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
"""
ASKING = "def get_requires_for_build_wheel(config_settings=None):\n    return ['extra >= 2']\n"
REQUIRING = "[build-system]\nrequires = ['base', 'base']\nbuild-backend = 'backend'\nbackend-path = ['.']\n"


class Foreign:
    """A strategy that satisfies the promised protocol and nothing more.

    :param refused: requirements that it cannot install
    """

    def __init__(self, folder: Path, *, available: bool = True, refused: str = "") -> None:
        self.folder = folder
        self.log: list[tuple[object, ...]] = []
        self.made = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self._available = available
        self._refused = refused

    async def check_available(self) -> bool:
        await asyncio.sleep(0)
        return self._available

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        number = sum(entry[0] == "made" for entry in self.log)
        self.log.append(("made", python_version, tuple(build_requirements)))
        self.made.set()
        if self.gate is not None:
            await self.gate.wait()
        if self._refused in build_requirements:
            raise DependencyError(f"no {self._refused}")
        site_packages = self.folder / f"site-packages-{number}"
        for name in build_requirements:
            make_distribution(site_packages, name.partition(" ")[0], "2.0")
        return ForeignEnvironment(self, site_packages, number)


class ForeignEnvironment(BuildEnvironment):
    def __init__(self, strategy: Foreign, site_packages: Path, number: int) -> None:
        site_packages.mkdir(exist_ok=True)
        super().__init__(Path(sys.executable), site_packages, {**os.environ, "FOREIGN": str(number)})
        self._strategy = strategy
        self._number = number

    async def cleanup(self) -> None:
        await asyncio.sleep(0)
        self._strategy.log.append(("cleaned", self._number))


def build(
    project: LocalProject, isolation: Foreign | FakeProvisioner | NoIsolation, *, sdist: bool = False
) -> Recorder:
    recorder = Recorder()
    asyncio.run(build_wheel(project.source, isolation=isolation, sdist=sdist, reporter=recorder))
    return recorder


async def cancelled(task: asyncio.Task[object], when: Callable[[], object]) -> None:
    """Cancel a task as soon as something is so."""
    await asyncio.to_thread(when)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_wheel_is_built_into_the_folder_named(local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend()
    result = asyncio.run(build_wheel(os.fspath(project.source), output_dir=tmp_path / "out", isolation=NoIsolation()))
    assert [artifact.path for artifact in result.artifacts] == [tmp_path / "out" / WHEEL]
    assert result.artifacts[0].path.is_file()
    assert project.hooks == ["get_requires_for_build_wheel", "build_wheel"]
    assert not project.dist.exists()


def test_an_sdist_is_built_first_when_asked_for(local_backend: LocalBackend) -> None:
    project = local_backend()
    build(project, NoIsolation(), sdist=True)
    assert set(os.listdir(project.dist)) == {SDIST, WHEEL}


@pytest.mark.parametrize(
    ("sdist", "wheel", "artifacts"), [(True, True, {SDIST, WHEEL}), (True, False, {SDIST}), (False, True, {WHEEL})]
)
def test_an_engine_builds_what_is_asked_for(
    local_backend: LocalBackend, sdist: bool, wheel: bool, artifacts: set[str]
) -> None:
    project = local_backend()
    engine = BuildEngine(BuildConfig(isolation=NoIsolation()))
    result = asyncio.run(engine.build(project.source, sdist=sdist, wheel=wheel))
    assert {artifact.path.name for artifact in result.artifacts} == set(os.listdir(project.dist)) == artifacts


def test_config_settings_and_python_reach_the_hooks_and_the_strategy(
    local_backend: LocalBackend, tmp_path: Path
) -> None:
    project, provisioner = local_backend(), FakeProvisioner(tmp_path / "site-packages")
    config = {"a": ["b"]}
    asyncio.run(build_wheel(project.source, python="3.12", config_settings=config, isolation=provisioner))
    assert provisioner.log[0] == ("made", "3.12", ())
    assert [call.settings for call in project.calls] == [config] * 2


def test_a_path_to_an_interpreter_is_made_absolute(
    local_backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioner = FakeProvisioner(tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    asyncio.run(build_wheel(local_backend().source, python=Path("python"), isolation=provisioner))
    assert provisioner.checked == [os.fspath(tmp_path / "python")]


def test_the_environment_of_a_build_is_the_configured_one(local_backend: LocalBackend) -> None:
    project = local_backend(
        "def get_requires_for_build_wheel(config_settings=None):\n    print(dict(os.environ))\n    return []\n"
    )
    config = BuildConfig(isolation=NoIsolation(), environ={"ONLY": "this"})
    result = asyncio.run(BuildEngine(config).build(project.source, sdist=False))
    assert "'ONLY': 'this'" in result.log
    assert "'PATH'" not in result.log


def test_nothing_to_build_is_refused(local_backend: LocalBackend) -> None:
    with pytest.raises(RequestError, match="Neither an sdist nor a wheel"):
        asyncio.run(BuildEngine().build(local_backend().source, sdist=False, wheel=False))


def test_an_sdist_of_an_sdist_is_refused(local_backend: LocalBackend) -> None:
    with pytest.raises(RequestError, match="is a source distribution already"):
        asyncio.run(BuildEngine().build(local_backend().home / SDIST))


def test_a_wheel_from_an_sdist_goes_beside_it(local_backend: LocalBackend) -> None:
    project = local_backend()
    result = asyncio.run(build_wheel(project.home / SDIST, isolation=NoIsolation()))
    assert [artifact.path for artifact in result.artifacts] == [project.home / WHEEL]


def test_failure_is_an_exception_with_the_log(local_backend: LocalBackend) -> None:
    project = local_backend("def build_wheel(*arguments):\n    print('compiling', flush=True)\n    sys.exit(3)\n")
    with pytest.raises(HookFailedError) as caught:
        build(project, NoIsolation())
    assert (caught.value.hook, caught.value.returncode, caught.value.log) == ("build_wheel", 3, "compiling\n")


def test_what_a_reporter_raises_ends_the_build(local_backend: LocalBackend) -> None:
    def report(event: object) -> None:
        if isinstance(event, ArtifactBuilding):
            raise LookupError  # noqa: TRY004 - any error will do

    project = local_backend()
    with pytest.raises(LookupError):
        asyncio.run(build_wheel(project.source, isolation=NoIsolation(), reporter=report))
    assert "build_wheel" not in project.hooks
    assert not project.dist.exists()


def test_metadata_is_returned_as_values(local_backend: LocalBackend) -> None:
    engine = BuildEngine(BuildConfig(isolation=NoIsolation()))
    metadata = asyncio.run(engine.metadata(local_backend().source))
    assert (metadata["name"], metadata["version"]) == ("pkg", "1.0")


def test_cancelling_the_coroutine_ends_the_hook_before_it_returns(local_backend: LocalBackend, temporary: Path) -> None:
    project = local_backend(SLEEPING)

    async def main() -> int:
        task: asyncio.Task[object] = asyncio.create_task(build_wheel(project.source, isolation=NoIsolation()))
        await cancelled(task, lambda: pid_in(project.home / "pid"))
        assert not project.dist.exists()
        assert os.listdir(temporary) == []
        return pid_in(project.home / "pid")

    assert is_gone(asyncio.run(main()))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="elsewhere hooks have no host")
def test_a_daemon_of_a_hook_whose_host_was_killed_ends_with_the_build(local_backend: LocalBackend) -> None:
    project = local_backend(DAEMON)
    with pytest.raises(HookFailedError):
        build(project, NoIsolation())
    assert not is_alive(pid_in(project.home / "pid"))


def test_two_builds_at_once_do_not_mix_their_folders_settings_and_warnings(local_backend: LocalBackend) -> None:
    # Each waits in its hook until the other is in its own.
    code = """
    import warnings
    def build_wheel(folder, config_settings=None, metadata_directory=None):
        note("build_wheel", config_settings)
        os.environ["MINE"] = config_settings["me"]
        open(os.path.join(config_settings["meet"], config_settings["me"]), "w").close()
        while len(os.listdir(config_settings["meet"])) < 2:
            time.sleep(0.01)
        warnings.warn(f"{os.environ['MINE']} in {os.getcwd()}")
        print(os.environ["MINE"])
        return put(folder, "pkg-1.0-py3-none-any.whl")
    """
    projects = [local_backend(code), local_backend(code)]
    recorders = [Recorder(), Recorder()]
    meet = projects[0].home / "meet"
    meet.mkdir()

    async def main() -> list[str]:
        builds = [
            BuildEngine(
                BuildConfig(isolation=NoIsolation(), config_settings={"me": f"b{number}", "meet": os.fspath(meet)}),
                reporter=recorder,
            ).build(project.source, sdist=False)
            for number, (project, recorder) in enumerate(zip(projects, recorders, strict=True))
        ]
        return [result.log for result in await asyncio.gather(*builds)]

    before = (os.getcwd(), dict(os.environ))
    assert asyncio.run(main()) == ["b0\n", "b1\n"]
    assert (os.getcwd(), dict(os.environ)) == before
    for number, (project, recorder) in enumerate(zip(projects, recorders, strict=True)):
        source = os.path.realpath(project.source)
        assert recorder.of(Warned) == [Warned(f"b{number} in {source}")]
        assert {call.cwd for call in project.calls} == {source}


def test_one_engine_builds_two_projects_at_once(local_backend: LocalBackend) -> None:
    projects = [local_backend(), local_backend()]
    engine = BuildEngine(BuildConfig(isolation=NoIsolation()))

    async def main() -> None:
        await asyncio.gather(*(engine.build(project.source) for project in projects))

    asyncio.run(main())
    assert all(set(os.listdir(project.dist)) == {SDIST, WHEEL} for project in projects)


def test_a_strategy_with_only_the_promised_protocol_builds(local_backend: LocalBackend, tmp_path: Path) -> None:
    project, strategy = local_backend(pyproject=REQUIRING), Foreign(tmp_path)
    recorder = build(project, strategy)
    version = ".".join(map(str, sys.version_info[:2]))
    assert strategy.log == [("made", version, ("base",)), ("cleaned", 0)]
    assert recorder.of(EnvironmentCreating) == [EnvironmentCreating("Foreign")]
    assert recorder.of(RequirementsInstalling) == [RequirementsInstalling(("base",))]
    assert os.listdir(project.dist) == [WHEEL]


def test_what_a_hook_asks_for_is_resolved_with_the_rest_in_a_new_environment(
    local_backend: LocalBackend, tmp_path: Path
) -> None:
    code = (
        ASKING
        + f"def build_wheel(folder, *rest):\n    print(os.environ['FOREIGN'])\n    return put(folder, {WHEEL!r})\n"
    )
    project, strategy = local_backend(code, pyproject=REQUIRING), Foreign(tmp_path)
    result = asyncio.run(build_wheel(project.source, python="3.13", isolation=strategy))
    assert strategy.log == [
        ("made", "3.13", ("base",)),
        ("cleaned", 0),
        ("made", "3.13", ("base", "extra >= 2")),
        ("cleaned", 1),
    ]
    assert result.log == "1\n"
    assert result.versions == {"base": "2.0", "extra": "2.0"}


def test_a_contradiction_between_both_names_both(local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend(ASKING, pyproject=REQUIRING)
    strategy = Foreign(tmp_path, refused="extra >= 2")
    with pytest.raises(DependencyError) as caught:
        build(project, strategy)
    assert "get_requires_for_build_wheel" in caught.value.message
    assert "base" in caught.value.cause
    assert "extra >= 2" in caught.value.cause
    assert strategy.log[-1] == ("made", strategy.log[0][1], ("base", "extra >= 2"))
    assert ("cleaned", 0) in strategy.log


def test_a_strategy_that_is_not_available_makes_nothing(local_backend: LocalBackend, tmp_path: Path) -> None:
    strategy = Foreign(tmp_path, available=False)
    with pytest.raises(IsolationError, match="Foreign is not available here"):
        build(local_backend(), strategy)
    assert strategy.log == []


def test_the_environment_of_a_foreign_strategy_is_cleaned_up_after_a_failure(
    local_backend: LocalBackend, tmp_path: Path
) -> None:
    strategy = Foreign(tmp_path)
    with pytest.raises(HookFailedError):
        build(local_backend("def build_wheel(*arguments):\n    sys.exit(1)\n"), strategy)
    assert strategy.log[-1] == ("cleaned", 0)


def test_the_environment_of_a_foreign_strategy_is_cleaned_up_on_cancellation(
    local_backend: LocalBackend, tmp_path: Path
) -> None:
    project, strategy = local_backend(SLEEPING), Foreign(tmp_path)

    async def main() -> None:
        task: asyncio.Task[object] = asyncio.create_task(build_wheel(project.source, isolation=strategy))
        await cancelled(task, lambda: pid_in(project.home / "pid"))
        assert strategy.log[-1] == ("cleaned", 0)

    asyncio.run(main())
    assert is_gone(pid_in(project.home / "pid"))


def test_making_a_foreign_environment_can_be_cancelled(local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend()

    async def main() -> None:
        strategy = Foreign(tmp_path)
        strategy.gate = asyncio.Event()
        task: asyncio.Task[object] = asyncio.create_task(build_wheel(project.source, isolation=strategy))
        await strategy.made.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)

    asyncio.run(main())
    assert not project.dist.exists()


def test_unmet_requirements_are_an_error_before_any_hook_runs(local_backend: LocalBackend) -> None:
    project = local_backend(pyproject=REQUIRING.replace("base", "certainly-not-installed"))
    with pytest.raises(UnmetDependenciesError, match="certainly-not-installed"):
        build(project, NoIsolation())
    assert project.hooks == []


@pytest.mark.parametrize("source", ["missing", ""])
def test_a_source_that_is_not_there_is_a_clear_error(tmp_path: Path, source: str) -> None:
    place = os.path.join(tmp_path, source) if source else ""
    with pytest.raises(HeadlessWheelBuilderError, match="is not a directory"):
        asyncio.run(build_wheel(place, isolation=NoIsolation()))


def test_a_build_may_take_as_long_as_the_configuration_says(local_backend: LocalBackend) -> None:
    project = local_backend("def build_wheel(*args):\n    time.sleep(600)\n")
    engine = BuildEngine(BuildConfig(isolation=NoIsolation(), timeout=2))

    async def many() -> list[str]:
        return [result.status async for result in engine.build_many([project.home / SDIST])]

    with pytest.raises(DeadlineError):
        asyncio.run(engine.build(project.source, sdist=False))
    assert asyncio.run(many()) == ["failed"]
    assert not project.dist.exists()

"""The promised isolation API, line by line, with real interpreters and the real index.

Where the promise says 3.12, the version is the one that runs the tests.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import projects
import pytest

from headless_wheel_builder import BuildConfig, BuildEngine, build_wheel
from headless_wheel_builder.isolation import (
    BuildEnvironment,
    DependencyError,
    IsolationError,
    IsolationStrategy,
    VenvConfig,
    VenvIsolation,
)

T = TypeVar("T")

VERSION = ".".join(map(str, sys.version_info[:2]))
BASE = Path(sys.base_prefix, "bin", f"python{VERSION}")
INSTALLERS = pytest.mark.parametrize("use_uv", [True, False], ids=["uv", "pip"])


def run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be the temporary folder, and find the interpreter that runs the tests."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    return folder


async def output_of(env: BuildEnvironment, code: str) -> str:
    """Run code in an environment, as the promise shows it."""
    process = await asyncio.create_subprocess_exec(
        str(env.python_path), "-c", code, env=env.env_vars, stdout=asyncio.subprocess.PIPE
    )
    stdout, _ = await process.communicate()
    assert process.returncode == 0
    return stdout.decode().strip()


# --- quick start and example ------------------------------------------------------------------------------------------


def test_the_quick_start_works_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    async def example() -> BuildEnvironment:
        isolation = VenvIsolation()
        env = await isolation.create_environment(
            python_version=VERSION,
            build_requirements=["setuptools>=61.0", "wheel"],
        )
        async with env:
            print(f"Python: {env.python_path}")
            print(f"Site-packages: {env.site_packages}")
            assert (env.site_packages / "setuptools").is_dir()
            assert (env.site_packages / "wheel").is_dir()
        return env

    env = run(example())
    assert capsys.readouterr().out == f"Python: {env.python_path}\nSite-packages: {env.site_packages}\n"


@INSTALLERS
def test_the_longer_example_prints_the_version_of_setuptools(use_uv: bool) -> None:
    async def example() -> None:
        config = VenvConfig(use_uv=use_uv, python_path=BASE)
        isolation = VenvIsolation(config)
        env = await isolation.create_environment(
            python_version=VERSION,
            build_requirements=["setuptools>=61.0", "wheel", "hatchling"],
        )
        async with env:
            printed = await output_of(env, "import setuptools, hatchling; print(setuptools.__version__)")
        assert int(printed.split(".")[0]) >= 61

    run(example())


# --- the protocol -----------------------------------------------------------------------------------------------------


def test_venv_isolation_has_the_methods_of_the_protocol_with_its_parameters() -> None:
    strategy: IsolationStrategy = VenvIsolation()
    for method in (strategy.create_environment, strategy.check_available):
        assert inspect.iscoroutinefunction(method)
    assert list(inspect.signature(strategy.create_environment).parameters) == ["python_version", "build_requirements"]


def test_venv_isolation_is_always_available() -> None:
    assert run(VenvIsolation().check_available()) is True
    assert run(VenvIsolation(VenvConfig(use_uv=False)).check_available()) is True


def test_a_config_has_the_promised_defaults() -> None:
    config = VenvConfig()
    assert (config.use_uv, config.python_path, config.cache_envs, config.extra_env) == (True, None, False, None)


# --- build environments -----------------------------------------------------------------------------------------------


@INSTALLERS
def test_an_environment_has_the_promised_attributes(use_uv: bool) -> None:
    async def example() -> None:
        async with await VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, []) as env:
            assert isinstance(env, BuildEnvironment)
            assert isinstance(env.python_path, Path)
            assert isinstance(env.site_packages, Path)
            assert all(isinstance(text, str) for pair in env.env_vars.items() for text in pair)
            assert await output_of(env, "import sys; print(*sys.version_info[:2], sep='.')") == VERSION
            where = await output_of(env, "import sysconfig; print(sysconfig.get_path('purelib'))")
            assert env.site_packages.samefile(where)

    run(example())


@INSTALLERS
def test_an_environment_has_only_what_is_required(use_uv: bool) -> None:
    async def example() -> None:
        async with await VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, ["packaging"]) as env:
            code = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
            assert await output_of(env, code) == "packaging"

    run(example())


def test_programs_in_an_environment_see_it_and_not_the_callers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "leaked.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")

    async def example() -> None:
        async with await VenvIsolation().create_environment(VERSION, []) as env:
            assert env.env_vars["PATH"].split(os.pathsep)[0] == str(env.python_path.parent)
            assert env.env_vars["VIRTUAL_ENV"] == str(env.python_path.parent.parent)
            assert await output_of(env, "import importlib.util as u; print(u.find_spec('leaked'))") == "None"

    run(example())


def test_extra_variables_are_seen_by_programs_in_the_environment() -> None:
    async def example() -> str:
        isolation = VenvIsolation(VenvConfig(extra_env={"FLAVOUR": "sweet"}))
        async with await isolation.create_environment(VERSION, []) as env:
            assert env.env_vars["FLAVOUR"] == "sweet"
            return await output_of(env, "import os; print(os.environ['FLAVOUR'])")

    assert run(example()) == "sweet"


@INSTALLERS
def test_cleaning_up_removes_the_environment_and_may_be_done_twice(use_uv: bool, temporary: Path) -> None:
    async def example() -> None:
        env = await VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, [])
        assert env.python_path.exists()
        await env.cleanup()
        assert not env.python_path.exists()
        await env.cleanup()

    run(example())
    assert not list(temporary.iterdir())


def test_the_environment_is_removed_when_the_block_fails(temporary: Path) -> None:
    async def example() -> None:
        async with await VenvIsolation().create_environment(VERSION, []) as env:
            assert env.python_path.exists()
            raise KeyError

    with pytest.raises(KeyError):
        run(example())
    assert not list(temporary.iterdir())


# --- the configuration ------------------------------------------------------------------------------------------------

WITHOUT_UV = """
import asyncio, sys

sys.modules["uv"] = None  # as if it were not installed
from headless_wheel_builder.isolation import VenvConfig, VenvIsolation

async def main():
    isolation = VenvIsolation(VenvConfig(use_uv=sys.argv[1] == "uv"))
    async with await isolation.create_environment(sys.argv[2], ["packaging"]) as env:
        print((env.site_packages / "packaging").is_dir())

asyncio.run(main())
"""


def without_uv(installer: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_UV, installer, str(BASE)],
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_uv_need_not_be_there_when_it_is_not_used() -> None:
    ran = without_uv("pip")
    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr


def test_a_missing_uv_is_an_isolation_error_that_says_what_to_do() -> None:
    ran = without_uv("uv")
    assert ran.returncode == 1
    assert "IsolationError: uv executable not found" in ran.stderr
    assert "pip install uv" in ran.stderr


@INSTALLERS
def test_the_configured_interpreter_is_used(use_uv: bool, tmp_path: Path) -> None:
    python = wrapper(tmp_path / "mine" / "python", tmp_path / "asked")

    async def example() -> str:
        isolation = VenvIsolation(VenvConfig(use_uv=use_uv, python_path=python))
        async with await isolation.create_environment(VERSION, []) as env:
            return await output_of(env, "import sys; print(*sys.version_info[:2], sep='.')")

    assert run(example()) == VERSION
    assert (tmp_path / "asked").exists()


def test_a_configured_interpreter_of_another_version_is_refused() -> None:
    isolation = VenvIsolation(VenvConfig(python_path=BASE))
    with pytest.raises(IsolationError, match=r"is not Python 3\.99"):
        run(isolation.create_environment("3.99", []))


@INSTALLERS
def test_a_kept_environment_is_the_same_the_next_time(use_uv: bool, temporary: Path) -> None:
    isolation = VenvIsolation(VenvConfig(cache_envs=True, use_uv=use_uv))

    async def use() -> tuple[Path, str]:
        async with await isolation.create_environment(VERSION, ["flit_core"]) as env:
            return env.python_path, await output_of(env, "import flit_core.buildapi as b; print(b.__file__)")

    first, second = run(use()), run(use())
    assert first == second
    assert first[0].exists()
    assert list(temporary.iterdir()) == []


# --- errors -----------------------------------------------------------------------------------------------------------


@INSTALLERS
def test_an_interpreter_that_is_not_there_is_an_isolation_error(use_uv: bool, temporary: Path) -> None:
    with pytest.raises(IsolationError, match=r"(?s)Python 3\.99 was not found.*Looked in this order.*Install it"):
        run(VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment("3.99", []))
    assert not list(temporary.iterdir())


@INSTALLERS
@pytest.mark.parametrize("requirement", ["packaging==1999.1", "no project has this name!"])
def test_a_requirement_that_cannot_be_installed_is_a_dependency_error(
    use_uv: bool, requirement: str, temporary: Path
) -> None:
    with pytest.raises(DependencyError, match=r"1999\.1|no project"):
        run(VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, [requirement]))
    assert not list(temporary.iterdir())


@INSTALLERS
def test_an_option_among_the_requirements_is_a_dependency_error(use_uv: bool, temporary: Path) -> None:
    with pytest.raises(DependencyError, match="--no-index"):
        run(VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, ["--no-index"]))
    assert not list(temporary.iterdir())


# --- discovery --------------------------------------------------------------------------------------------------------


def wrapper(path: Path, mark: Path) -> Path:
    """Make a program that is a Python interpreter, and leaves a mark when it is asked anything."""
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\ntouch "{mark}"\nexec "{BASE}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an interpreter into each place where discovery looks; each leaves a mark."""
    marks = tmp_path / "marks"
    marks.mkdir()
    version = ".".join(map(str, sys.version_info[:3]))
    key = f"cpython-{version}-linux-{os.uname().machine}-gnu"
    wrapper(tmp_path / "managed" / key / "bin" / f"python{VERSION}", marks / "uv")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "managed"))
    wrapper(tmp_path / "pyenv" / "versions" / version / "bin" / "python", marks / "pyenv")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    on_path = wrapper(tmp_path / "path" / f"python{VERSION}", marks / "path").parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(on_path), "/usr/bin", "/bin"]))
    return tmp_path


def asked(places: Path, *, use_uv: bool = True) -> set[str]:
    """Make an environment and return who was asked for it."""

    async def example() -> None:
        async with await VenvIsolation(VenvConfig(use_uv=use_uv)).create_environment(VERSION, []) as env:
            assert env.python_path.exists()

    run(example())
    return {mark.name for mark in (places / "marks").iterdir()}


def test_an_interpreter_of_uv_comes_before_all_others(places: Path) -> None:
    assert asked(places) == {"uv"}


def test_an_interpreter_of_pyenv_comes_next(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(places / "nothing"))
    assert asked(places) == {"pyenv"}


def test_interpreters_of_uv_are_not_looked_for_when_uv_is_not_used(places: Path) -> None:
    assert asked(places, use_uv=False) == {"pyenv"}


def test_an_interpreter_on_path_comes_last(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(places / "nothing"))
    monkeypatch.setenv("PYENV_ROOT", str(places / "nothing"))
    assert asked(places) == {"path"}


def test_pyenv_is_looked_for_in_the_home_folder_without_its_variable(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(places / "nothing"))
    monkeypatch.delenv("PYENV_ROOT")
    (places / "home").mkdir()
    (places / "pyenv").rename(places / "home" / ".pyenv")
    monkeypatch.setenv("HOME", str(places / "home"))
    assert asked(places) == {"pyenv"}


def test_a_name_proves_nothing(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(places / "nothing"))
    monkeypatch.setenv("PYENV_ROOT", str(places / "nothing"))
    wrapper(places / "liar" / "python3.99", places / "marks" / "liar")
    monkeypatch.setenv("PATH", str(places / "liar"), prepend=os.pathsep)
    with pytest.raises(IsolationError, match=rf"python3\.99 is cpython {VERSION}"):
        run(VenvIsolation().create_environment("3.99", []))


# --- strategies with the engine ---------------------------------------------------------------------------------------


class Foreign:
    """Somebody else's strategy: it has the promised methods and nothing more."""

    def __init__(self) -> None:
        self._inner = VenvIsolation()
        self.made: list[BuildEnvironment] = []

    async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
        self.made.append(await self._inner.create_environment(python_version, build_requirements))
        return self.made[-1]

    async def check_available(self) -> bool:
        return True


def test_a_strategy_with_only_the_promised_methods_builds_a_project(tmp_path: Path, temporary: Path) -> None:
    strategy = Foreign()
    project = projects.setuptools(tmp_path)
    result = run(build_wheel(project, output_dir=tmp_path / "out", isolation=strategy))
    assert result.wheel is not None
    assert result.wheel.path.exists()
    assert "setuptools" in result.versions
    assert strategy.made
    assert not list(temporary.iterdir())


def test_a_strategy_that_is_not_available_is_not_asked_for_more(tmp_path: Path) -> None:
    class Absent(Foreign):
        async def check_available(self) -> bool:
            return False

    strategy = Absent()
    with pytest.raises(IsolationError, match="Absent is not available"):
        run(BuildEngine(BuildConfig(isolation=strategy)).build(projects.silent(tmp_path)))
    assert not strategy.made


def test_an_error_of_a_strategy_is_the_error_of_the_build(tmp_path: Path) -> None:
    class Failing(Foreign):
        async def create_environment(self, python_version: str, build_requirements: list[str]) -> BuildEnvironment:
            raise IsolationError(f"no room for {python_version} with {build_requirements}")

    with pytest.raises(IsolationError, match="no room"):
        run(build_wheel(projects.silent(tmp_path), isolation=Failing()))


@INSTALLERS
def test_the_engine_builds_with_a_configured_strategy(tmp_path: Path, use_uv: bool, temporary: Path) -> None:
    change = """
        def build_wheel(*args, build_wheel=build_wheel):
            print("flavour", os.environ["FLAVOUR"], flush=True)
            return build_wheel(*args)
        """
    isolation = VenvIsolation(VenvConfig(use_uv=use_uv, extra_env={"FLAVOUR": "sweet"}))
    result = run(build_wheel(projects.silent(tmp_path, change), isolation=isolation))
    assert "flavour sweet" in result.log
    assert not list(temporary.iterdir())

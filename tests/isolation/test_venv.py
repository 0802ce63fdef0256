"""Real environments, made by uv without a network: what is installed are wheels of the tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from core.archives import METADATA, PLAIN, make_wheel
from support import Recorder, is_gone, make_context, make_script, pid_in

from headless_wheel_builder.errors import DependencyError, InterpreterError, IsolationError, RequestError
from headless_wheel_builder.events import EnvironmentCreating, RequirementsInstalling
from headless_wheel_builder.hooks.headstart import HeadStart
from headless_wheel_builder.hooks.hosting import Launchers
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation import BuildEnvironment, VenvConfig, VenvIsolation
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.environment import Layout, VirtualEnvironment
from headless_wheel_builder.process import Cancelled, Processes
from headless_wheel_builder.threads import run_blocking
from headless_wheel_builder.values import changed

THIS = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def offline(tmp_path: Path, temporary: Path, recorder: Recorder) -> Context:
    """Be the surroundings in which nothing of the user's and nothing of the network is found."""
    assert temporary.is_dir()
    home = tmp_path / "home"
    home.mkdir()
    environ = {
        "PATH": os.defpath,
        "HOME": os.fspath(home),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": os.fspath(tmp_path / "cache"),
    }
    return make_context(recorder, environ)


@pytest.fixture
def one(tmp_path: Path) -> str:
    return f"pkg @ {make_wheel(tmp_path).as_uri()}"


@pytest.fixture
def other(tmp_path: Path) -> str:
    """Be a requirement that needs another version of what `one` is."""
    metadata = METADATA.replace(b"Name: pkg", b"Name: other").replace(b"\n\n", b"\nRequires-Dist: pkg==2.0\n\n")
    files = {name.replace("pkg-1.0", "other-1.0"): data for name, data in PLAIN.items() if name != "pkg/__init__.py"}
    files["other-1.0.dist-info/METADATA"] = metadata
    wheel = make_wheel(tmp_path, files, name="other-1.0-py3-none-any.whl", dist_info="other-1.0.dist-info")
    return f"other @ {wheel.as_uri()}"


def environment_at(folder: str) -> VirtualEnvironment:
    layout = Layout(scripts="{base}/bin", purelib="{base}/lib", platlib="{base}/lib")
    launchers = Launchers(Processes(), Recorder(), "capture")
    return VirtualEnvironment(folder, layout, installed={}, launchers=launchers, difference=lambda: None)


def asked(python: Path, code: str, environ: dict[str, str]) -> str:
    return subprocess.run([python, "-c", code], env=environ, check=True, capture_output=True, text=True).stdout.strip()


def test_the_defaults_are_the_promised_ones() -> None:
    config = VenvIsolation().config
    assert (config.use_uv, config.python_path, config.cache_envs, config.extra_env) == (True, None, False, None)
    assert VenvIsolation(VenvConfig(use_uv=False)).config == VenvConfig(use_uv=False)


def test_virtual_environments_are_always_available() -> None:
    assert asyncio.run(VenvIsolation().check_available())


def test_hooks_get_the_callers_environment_without_what_leads_out_of_theirs() -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": "/caller",
        "PYTHONHOME": "/caller",
        "VIRTUAL_ENV": "/caller",
        "CC": "gcc",
        "SOURCE_DATE_EPOCH": "1",
    }
    assert environment_at("/env").environ(environ, {"CC": "clang", "MINE": "1"}) == {
        "PATH": "/env/bin:/usr/bin:/bin",
        "PYTHONPATH": "",
        "VIRTUAL_ENV": "/env",
        "PYTHONNOUSERSITE": "1",
        "CC": "clang",
        "SOURCE_DATE_EPOCH": "1",
        "MINE": "1",
    }
    assert environ["PYTHONHOME"] == "/caller"


def test_hooks_have_a_path_even_if_the_caller_has_none() -> None:
    assert environment_at("/env").environ({}, {})["PATH"] == "/env/bin"


def test_an_environment_has_its_own_interpreter_and_exactly_what_was_required(
    offline: Context, recorder: Recorder, temporary: Path, one: str
) -> None:
    isolation = VenvIsolation(VenvConfig(extra_env={"MINE": "1"}))
    with isolation.session(None, offline) as session, session.provision([one]) as environment:
        assert asked(Path(environment.python), "import sys; print(sys.prefix != sys.base_prefix)", {}) == "True"
        where = asked(Path(environment.python), "import pkg; print(pkg.__file__)", environment.env_vars)
        assert os.path.realpath(os.path.dirname(os.path.dirname(where))) == os.path.realpath(environment.site_packages)
        assert [path.name for path in Path(environment.site_packages).glob("*.dist-info")] == ["pkg-1.0.dist-info"]
        assert environment.env_vars["PATH"].split(os.pathsep)[0] == os.fspath(Path(environment.python).parent)
        assert environment.env_vars["VIRTUAL_ENV"] == os.fspath(Path(environment.python).parent.parent)
        assert environment.env_vars["MINE"] == "1"
    assert os.listdir(temporary) == []
    assert recorder.events == [EnvironmentCreating("venv+uv"), RequirementsInstalling((one,))]


def test_an_environment_is_removed_after_a_failure(offline: Context, temporary: Path) -> None:
    with pytest.raises(LookupError), VenvIsolation().session(None, offline) as session, session.provision([]):
        raise LookupError
    assert os.listdir(temporary) == []


def test_what_cannot_be_installed_is_a_dependency_error_and_nothing_stays(offline: Context, temporary: Path) -> None:
    with (
        pytest.raises(DependencyError, match="could not be installed") as caught,
        VenvIsolation().session(None, offline) as session,
        session.provision(["no-such-thing"]),
    ):
        pytest.fail("the environment was used")
    assert "no-such-thing" in caught.value.cause
    assert os.listdir(temporary) == []


def test_a_contradiction_between_a_hook_and_requires_names_both(offline: Context, one: str, other: str) -> None:
    with VenvIsolation().session(None, offline) as session, session.provision([one]) as environment:
        with pytest.raises(DependencyError) as caught:
            environment.add([other], asked_by="get_requires_for_build_wheel")
        assert "get_requires_for_build_wheel" in caught.value.message
        assert one in caught.value.cause
        assert other in caught.value.cause


def test_what_a_hook_asks_for_is_added_and_only_that_is_said(offline: Context, recorder: Recorder, one: str) -> None:
    with VenvIsolation().session(None, offline) as session, session.provision([]) as environment:
        environment.add([one, one], asked_by="hook")
        assert (Path(environment.site_packages) / "pkg").is_dir()
    assert recorder.of(RequirementsInstalling) == [RequirementsInstalling((one,))]


def test_making_an_environment_can_be_cancelled(offline: Context, tmp_path: Path, temporary: Path) -> None:
    python = make_script(tmp_path / "python", f"echo $$ > {tmp_path}/pid; sleep 60")
    outcome: list[str] = []

    def work(processes: Processes) -> None:
        context = Context(environ=offline.environ, processes=processes)
        try:
            with VenvIsolation().session(os.fspath(python), context) as session, session.provision([]):
                outcome.append("made")
        except Cancelled:
            outcome.append("cancelled")
            raise

    async def main() -> int:
        task = asyncio.create_task(run_blocking(work))
        pid = await asyncio.to_thread(pid_in, tmp_path / "pid")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    assert is_gone(asyncio.run(main()))
    assert outcome == ["cancelled"]
    assert os.listdir(temporary) == []


def test_a_folder_for_the_environment_is_removed_on_success(offline: Context, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "env"
    isolation = VenvIsolation(VenvConfig(env_dir=os.fspath(folder)))
    with isolation.session(None, offline) as session, session.provision([]) as environment:
        assert os.path.realpath(Path(environment.python).parent.parent) == os.path.realpath(folder)
    assert not folder.exists()


def test_a_folder_for_the_environment_is_kept_on_failure(offline: Context, tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "env"
    isolation = VenvIsolation(VenvConfig(env_dir=os.fspath(folder)))
    with pytest.raises(LookupError), isolation.session(None, offline) as session, session.provision([]):
        raise LookupError
    assert (folder / "pyvenv.cfg").is_file()
    assert os.listdir(temporary) == []
    with pytest.raises(IsolationError, match=f"Build environment location is not empty: {folder}"):
        isolation.check(None, offline)


def test_a_folder_for_the_environment_that_is_a_file_is_refused(offline: Context, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IsolationError, match=f"Build environment location is not a directory: {tmp_path}/file"):
        VenvIsolation(VenvConfig(env_dir=os.fspath(tmp_path / "file"))).check(None, offline)


def test_an_empty_or_new_folder_for_the_environment_passes_the_check(offline: Context, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        VenvIsolation(VenvConfig(env_dir=os.fspath(tmp_path / name))).check(None, offline)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_constraints_that_cannot_be_read_are_refused(offline: Context, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "constraints.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match="The constraints file cannot be read") as caught:
        VenvIsolation(VenvConfig(constraints=path)).check(None, offline)
    assert os.fspath(path) in str(caught.value)


def test_constraints_hold(offline: Context, tmp_path: Path, one: str) -> None:
    path = tmp_path / "constraints.txt"
    path.write_text("pkg == 3.0\n")
    isolation = VenvIsolation(VenvConfig(constraints=path))
    with pytest.raises(DependencyError), isolation.session(None, offline) as session, session.provision([one]):
        pytest.fail("the environment was used")


def test_an_interpreter_that_is_not_there_fails_the_check(offline: Context, tmp_path: Path) -> None:
    with pytest.raises(InterpreterError):
        VenvIsolation().check(os.fspath(tmp_path / "missing"), offline)
    with pytest.raises(InterpreterError):
        VenvIsolation(VenvConfig(python_path=tmp_path / "missing")).check(None, offline)


@pytest.fixture
def quiet_uv(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the public coroutine, which reads the real environment, do without a network too."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", os.fspath(tmp_path / "cache"))
    yield temporary
    assert os.listdir(temporary) == []


def test_the_promised_example_works(quiet_uv: Path, one: str) -> None:
    async def main() -> None:
        env = await VenvIsolation(VenvConfig(python_path=Path(sys.executable))).create_environment(
            python_version=THIS, build_requirements=[one]
        )
        async with env:
            assert isinstance(env, BuildEnvironment)
            assert len(os.listdir(quiet_uv)) == 1
            process = await asyncio.create_subprocess_exec(
                env.python_path, "-c", "import pkg; print(pkg.x)", env=env.env_vars, stdout=subprocess.PIPE
            )
            assert (await process.communicate())[0] == b"1\n"
        assert not env.python_path.exists()
        await env.cleanup()

    asyncio.run(main())


def test_an_environment_can_be_awaited_and_entered_at_once(quiet_uv: Path) -> None:
    async def main() -> None:
        async with await VenvIsolation().create_environment(sys.executable, []) as env:
            assert env.site_packages.is_dir()
            assert os.listdir(quiet_uv)

    asyncio.run(main())


def test_an_environment_whose_requirements_fail_leaves_nothing(quiet_uv: Path) -> None:
    with pytest.raises(DependencyError):
        asyncio.run(VenvIsolation().create_environment(sys.executable, ["no-such-thing"]))
    assert quiet_uv.is_dir()


@pytest.mark.parametrize("kept", [False, True])
def test_hooks_that_are_to_know_little_get_no_token_and_an_empty_home(
    offline: Context, one: str, tmp_path: Path, *, kept: bool
) -> None:
    environ = {**offline.environ, "HWB_CACHE_DIR": os.fspath(tmp_path / "store"), "GITHUB_TOKEN": "s3cret", "CC": "cc"}
    isolation = VenvIsolation(VenvConfig(clean_env=True, cache_envs=kept, extra_env={"EXTRA": "1"}))
    context = changed(offline, environ=environ, ahead=HeadStart())
    with isolation.session(None, context) as session, session.provision([] if kept else [one]) as environment:
        found = environment.env_vars
        assert os.listdir(found["HOME"]) == []
        assert found["PATH"].startswith(os.path.dirname(environment.python))
        session.confirm()
        environment.launcher(BackendPlace(os.fspath(tmp_path), "pkg"))
    assert not {"GITHUB_TOKEN", "UV_OFFLINE", "HWB_CACHE_DIR"} & found.keys()
    assert (found["EXTRA"], found["CC"]) == ("1", "cc")
    assert not os.path.exists(found["HOME"])
    # What could be started ahead next time would not have this home.
    assert context.ahead is not None
    assert context.ahead.wanted is None
    assert os.path.isdir(tmp_path / "store") == kept

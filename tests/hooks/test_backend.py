"""Every kind of bad backend, each in a real process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from support import Recorder

from headless_wheel_builder.errors import (
    BackendError,
    BackendUnavailableError,
    HookFailedError,
    HookResultError,
)
from headless_wheel_builder.events import (
    ArtifactBuilding,
    Event,
    HookOutput,
    Kind,
    MetadataPreparing,
    RequirementsAsking,
    Warned,
)
from headless_wheel_builder.hooks import backend as module
from headless_wheel_builder.hooks.backend import Backend
from headless_wheel_builder.hooks.launcher import EndedError
from headless_wheel_builder.hooks.log import Log
from headless_wheel_builder.hooks.runner import HookRunner
from headless_wheel_builder.process import OnOutput, Processes


class Backends:
    """Make backends of a few lines, in a folder of their own."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.recorder = Recorder()

    def __call__(self, code: str, name: str = "backend", settings: dict[str, object] | None = None) -> Backend:
        (self.source / "backend.py").write_text(f"import os, signal, sys, warnings\n{code}\n")
        log = Log()
        runner = HookRunner(Processes(), dict(os.environ), output="capture", log=log, report=self.recorder)
        return Backend(
            os.fspath(self.source),
            name,
            ["."],
            python=sys.executable,
            runner=runner,
            config_settings=settings or {},
            report=self.recorder,
            log=log,
        )

    @property
    def said(self) -> list[Event]:
        """What was reported, without what the backend printed."""
        return [event for event in self.recorder.events if not isinstance(event, HookOutput)]

    def build(self, body: str) -> Backend:
        """Make a backend whose build_wheel does this."""
        return self(f"def build_wheel(folder, config_settings=None, metadata_directory=None):\n    {body}")


@pytest.fixture
def backends(tmp_path: Path) -> Backends:
    return Backends(tmp_path)


def refused(backend: Backend, kind: Kind = "wheel") -> BackendError:
    with pytest.raises(BackendError) as caught:
        backend.build(kind, "/nowhere")
    assert caught.value.hook == f"build_{kind}"
    return caught.value


def test_the_name_that_the_hook_returns_is_returned(backends: Backends) -> None:
    assert backends.build("return os.path.basename(folder) + '.whl'").build("wheel", "/a/folder") == "folder.whl"
    assert backends.said == [ArtifactBuilding("wheel")]


def test_an_object_inside_a_module_can_be_the_backend(backends: Backends) -> None:
    code = "class Outer:\n    class inner:\n        build_sdist = staticmethod(lambda folder, settings=None: 'x')"
    assert backends(code, "backend:Outer.inner").build("sdist", "/f") == "x"


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        ("raise ValueError('no')", 1, "It exited with status 1."),
        ("sys.exit(3)", 3, "It exited with status 3."),
        ("os._exit(7)", 7, "It exited with status 7."),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, "It was killed by SIGKILL. Was the machine out of memory?"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15, "It was killed by SIGTERM."),
    ],
)
def test_a_hook_that_ends_badly_is_a_failure_in_the_words_of_build(
    backends: Backends, body: str, status: int, cause: str
) -> None:
    error = refused(backends.build(f"print('working', flush=True); {body}"))
    assert isinstance(error, HookFailedError)
    assert error.message == "Backend subprocess exited when trying to invoke build_wheel"
    assert (error.returncode, error.cause) == (status, cause)
    assert error.log.startswith("working\n")


class Ending:
    """A launcher whose hooks print something and are ended by something that is known."""

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, on_output: OnOutput | None = None
    ) -> int:
        del argv, env, cwd
        assert on_output is not None
        on_output(b"compiling\n")
        raise EndedError(-9, "It reached its limit.", "Give it more.")


def test_a_hook_that_was_ended_by_something_known_says_by_what(tmp_path: Path) -> None:
    log = Log()
    backend = Backend(
        os.fspath(tmp_path),
        "backend",
        python=sys.executable,
        runner=HookRunner(Ending(), {}, output="capture", log=log, report=Recorder()),
        config_settings={},
        report=Recorder(),
        log=log,
    )
    error = refused(backend)
    assert isinstance(error, HookFailedError)
    assert error.message == "Backend subprocess exited when trying to invoke build_wheel"
    assert (error.returncode, error.cause, error.hint) == (-9, "It reached its limit.", "Give it more.")
    assert error.log == "compiling\n"
    assert str(error).endswith("It reached its limit.\nGive it more.")


def test_the_traceback_of_a_backend_is_in_the_log(backends: Backends) -> None:
    error = refused(backends.build("raise ValueError('no such compiler')"))
    assert isinstance(error, HookFailedError)
    assert error.log.rstrip().endswith("ValueError: no such compiler")


def test_a_hook_that_exits_well_without_an_answer_is_a_fault(backends: Backends) -> None:
    error = refused(backends.build("os._exit(0)"))
    assert isinstance(error, HookResultError)
    assert "build_wheel ended without an answer" in error.message
    assert "os._exit()" in error.hint


@pytest.mark.parametrize("result", ["None", "['x.whl']", "''", "7", "{'name': 'x.whl'}", "True"])
def test_what_is_not_a_name_is_a_fault_and_shown(backends: Backends, result: str) -> None:
    error = refused(backends.build(f"return {result}"))
    assert isinstance(error, HookResultError)
    assert error.message == f"Backend operation failed: build_wheel returned {result}"
    assert "the name of what it made" in error.cause


def test_an_answer_that_json_cannot_say_is_a_failure(backends: Backends) -> None:
    assert isinstance(refused(backends.build("return object()")), HookFailedError)


def test_a_backend_that_is_not_there_is_named_in_the_words_of_build(backends: Backends) -> None:
    error = refused(backends("", "no_such.backend"))
    assert isinstance(error, BackendUnavailableError)
    assert error.message == "Backend 'no_such.backend' is not available."
    assert "no_such" in error.cause
    assert "`requires`" in error.hint


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("raise RuntimeError('at import')", "at import"),
        ("x =", "SyntaxError"),
    ],
)
def test_a_backend_that_cannot_be_imported_shows_where(backends: Backends, code: str, last: str) -> None:
    with pytest.raises(BackendError) as caught:
        backends(code).build("wheel", "/f")
    shown = caught.value.log if isinstance(caught.value, HookFailedError) else caught.value.cause
    assert last in shown
    assert "backend.py" in shown


def test_a_missing_hook_is_a_failure_that_names_it(backends: Backends) -> None:
    assert "build_sdist" in refused(backends(""), "sdist").message


def test_a_backend_may_say_that_it_cannot(backends: Backends) -> None:
    code = (
        "class UnsupportedOperation(Exception): pass\n"
        "def build_sdist(folder, settings=None):\n"
        "    raise UnsupportedOperation('no sdist from here')"
    )
    error = refused(backends(code), "sdist")
    assert "cannot do build_sdist here" in error.message
    assert "no sdist from here" in error.cause


def test_a_warning_of_the_backend_becomes_an_event(backends: Backends) -> None:
    backend = backends.build("warnings.warn('this is old'); return 'x.whl'")
    assert backend.build("wheel", "/f") == "x.whl"
    assert backends.recorder.of(Warned) == [Warned("this is old")]


def test_without_the_hook_nothing_more_is_required(backends: Backends) -> None:
    assert backends("").requires("sdist") == ()
    assert backends.said == [RequirementsAsking("sdist")]


def test_requirements_are_returned_once_each_in_order(backends: Backends) -> None:
    code = "def get_requires_for_build_wheel(settings=None):\n    return ['b >= 1', 'a', 'b >= 1']"
    assert backends(code).requires("wheel") == ("b >= 1", "a")


@pytest.mark.parametrize("result", ["None", "'setuptools'", "[1]", "['a', None]", "{'a': 'b'}"])
def test_what_is_not_a_list_of_requirements_is_a_fault(backends: Backends, result: str) -> None:
    code = f"def get_requires_for_build_wheel(settings=None):\n    return {result}"
    with pytest.raises(HookResultError) as caught:
        backends(code).requires("wheel")
    assert caught.value.message == f"Backend operation failed: get_requires_for_build_wheel returned {result}"


@pytest.mark.parametrize("requirement", ["--no-index", "a b", "", "./x"])
def test_a_requirement_that_is_none_is_a_fault(backends: Backends, requirement: str) -> None:
    code = f"def get_requires_for_build_sdist(settings=None):\n    return [{requirement!r}]"
    with pytest.raises(HookResultError, match="PEP 508") as caught:
        backends(code).requires("sdist")
    assert repr(requirement) in caught.value.message


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [
        ("'a @ http://x/y\\x85--index-url=http://evil/'", ""),
        ("'a @ http://x/y\\n--index-url=http://evil/'", ""),
        ("'a @ http://x/\\ud800'", "cannot be written"),
        ("'a >= ' + '9' * 5000", "without end"),
        ("'a; ' + '(' * 100_000", ""),
    ],
)
def test_a_requirement_that_would_be_another_for_installers_is_a_fault(
    backends: Backends, requirement: str, reason: str
) -> None:
    code = f"def get_requires_for_build_wheel(settings=None):\n    return [{requirement}]"
    with pytest.raises(HookResultError) as caught:
        backends(code).requires("wheel")
    assert reason in caught.value.cause
    assert len(str(caught.value)) < 2000


def test_what_is_too_large_to_be_shown_is_cut(backends: Backends) -> None:
    error = refused(backends.build("return [['x' * 10_000_000] * 3, eval('[' * 90 + ']' * 90)]"))
    assert isinstance(error, HookResultError)
    assert len(str(error)) < 3000


def test_credentials_in_what_is_cut_are_hidden(backends: Backends) -> None:
    error = refused(backends.build("return ['https://jane:' + 's3cret' * 100 + '@host']"))
    assert "s3cret" not in str(error)
    assert "https://****@host" in str(error)


@pytest.mark.parametrize(
    "answer", ["[]", '{"hook_missing": true}', '{"unsupported": true, "traceback": 5}', "[" * 50_000]
)
def test_an_answer_that_the_backend_wrote_itself_is_no_crash(backends: Backends, answer: str) -> None:
    code = f"import sys\n    open(sys.argv[-1] + '/output.json', 'w').write({answer!r})\n    os._exit(0)"
    assert isinstance(refused(backends.build(code)), HookResultError)


def test_config_settings_reach_the_hook_as_they_are(backends: Backends) -> None:
    code = "def build_sdist(folder, settings=None):\n    return repr(settings)"
    settings: dict[str, object] = {"a": ["1", "2"], "b": {"c": None, "d": 1.5}}
    assert backends(code, settings=settings).build("sdist", "/f") == repr(settings)
    assert backends(code).build("sdist", "/f") == "{}"


def test_metadata_is_none_without_the_hook_and_is_not_built_from_a_wheel(backends: Backends, tmp_path: Path) -> None:
    backend = backends.build("open('built', 'w').close()")
    assert backend.metadata(os.fspath(tmp_path)) is None
    assert not (tmp_path / "built").exists()
    assert backends.said == [MetadataPreparing()]


def test_the_name_of_the_metadata_is_returned(backends: Backends, tmp_path: Path) -> None:
    code = "def prepare_metadata_for_build_wheel(folder, settings=None):\n    return 'x.dist-info'"
    assert backends(code).metadata(os.fspath(tmp_path)) == "x.dist-info"


@pytest.mark.parametrize("result", ["None", "''", "3"])
def test_metadata_without_a_name_is_a_fault(backends: Backends, tmp_path: Path, result: str) -> None:
    code = f"def prepare_metadata_for_build_wheel(folder, settings=None):\n    return {result}"
    with pytest.raises(HookResultError):
        backends(code).metadata(os.fspath(tmp_path))


def test_each_hook_runs_in_a_fresh_process(backends: Backends) -> None:
    code = (
        "state = []\ndef build_sdist(folder, settings=None):\n    state.append(1)\n    return f'{os.getpid()} {state}'"
    )
    backend = backends(code)
    first, second = backend.build("sdist", "/f"), backend.build("sdist", "/f")
    assert first != second
    assert first.endswith("[1]")
    assert second.endswith("[1]")


def test_a_hook_that_fails_where_there_is_no_room_says_where(
    backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "full", lambda folders: [list(folders)[-1]])
    backend = backends.build("raise OSError(28, 'No space left on device')")
    error = refused(backend)
    assert error.cause.startswith("It exited with status 1. There is no room left in ")

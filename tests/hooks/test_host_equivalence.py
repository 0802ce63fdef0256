"""A hook in a host cannot be told from one in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hosts import Outcome, Way, Ways, backend, frontend
from obstacles import UNSAFE
from scenarios import EQUAL, PRINTING

from headless_wheel_builder.errors import ProjectError


@pytest.fixture
def ways(tmp_path: Path) -> Ways:
    return Ways(tmp_path)


def test_the_scenarios_show_something(ways: Ways) -> None:
    _, fresh = ways.both(EQUAL["all that it knows after an import that changes all it can"])
    assert fresh.answers == ["x", "x"]
    assert '"MADE_AT_IMPORT"' in fresh.output
    assert '"/made/at/import"' in fresh.output


@pytest.mark.parametrize("name", EQUAL)
def test_a_captured_hook_is_as_in_a_fresh_interpreter(ways: Ways, name: str) -> None:
    hosted, fresh = ways.both(EQUAL[name])
    assert hosted == fresh


@pytest.mark.parametrize("name", PRINTING)
def test_a_hook_that_prints_to_our_streams_is_as_in_a_fresh_interpreter(
    ways: Ways, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    hosted, fresh = ways.both(EQUAL[name], output="inherit", read=capfd.readouterr)
    assert hosted == fresh
    assert hosted.output


@pytest.mark.parametrize(
    "name",
    ["warns", "prints", "prints an error", "prints by descriptor", "prints a lot", "closes descriptors", "exits"],
)
def test_what_is_printed_at_import_is_printed_once_for_each_hook(
    ways: Ways, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    at_import, reason = UNSAFE[name]
    hosted, fresh = ways.both(backend(at_import), output="inherit", read=capfd.readouterr, reasons=[reason])
    assert hosted == fresh


@pytest.mark.parametrize("name", UNSAFE)
def test_a_backend_that_cannot_be_forked_gets_fresh_interpreters(ways: Ways, name: str) -> None:
    at_import, reason = UNSAFE[name]
    hosted, fresh = ways.both(backend(at_import, "print('hook'); return 'x'"), reasons=[reason])
    assert hosted == fresh


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "C.UTF-8", "PYTHONUTF8": "1"},
        {"PYTHONIOENCODING": "latin-1:replace"},
        {"PYTHONUNBUFFERED": "1"},
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7"},
        {"PYTHONDEVMODE": "1"},
        {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"},
        {"PYTHONFAULTHANDLER": "1", "PYTHONTRACEMALLOC": "2"},
        {"PYTHONPYCACHEPREFIX": "{place}/prefix"},
    ],
    ids=str,
)
def test_variables_of_the_interpreter_have_their_effect(ways: Ways, environ: dict[str, str]) -> None:
    environ = {name: value.format(place=ways.place) for name, value in environ.items()}
    hosted, fresh = ways.both(EQUAL["all that a process knows of itself"], environ=environ)
    assert hosted == fresh


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"PYTHONVERBOSE": "1"}, "PYTHONVERBOSE has interpreters print what they import"),
        ({"PYTHONPROFILEIMPORTTIME": "1"}, "PYTHONPROFILEIMPORTTIME has interpreters print what they import"),
        ({"PYTHONPATH": "{place}:sub"}, "PYTHONPATH names a relative folder"),
        ({"PYTHONPATH": "{place}:"}, "PYTHONPATH names a relative folder"),
    ],
    ids=str,
)
def test_variables_that_a_host_could_not_heed_give_fresh_interpreters(
    ways: Ways, environ: dict[str, str], reason: str
) -> None:
    ways.write(backend())
    environ = {name: value.format(place=ways.place) for name, value in environ.items()}
    with ways.way(environ=environ) as way:
        assert way.call() == "x"
        assert way.reasons == [f"Each hook gets a fresh interpreter: {reason}"]


def test_hooks_of_one_host_run_in_different_folders(ways: Ways) -> None:
    def answers(*, is_hosted: bool) -> list[object]:
        with ways.way(is_hosted=is_hosted) as way:
            other = way.folder / "other"
            other.mkdir()
            return [way.call(), way.call(other), way.call(), *way.reasons]

    ways.write(backend("import os, multiprocessing.process as p", "return repr([os.getcwd(), p.ORIGINAL_DIR])"))
    hosted = answers(is_hosted=True)
    assert hosted == answers(is_hosted=False)
    assert "other" in str(hosted[1])


def test_a_source_tree_that_is_gone_is_the_same_error(ways: Ways) -> None:
    ways.write(backend())
    for is_hosted in (True, False):
        with ways.way(is_hosted=is_hosted) as way:
            assert way.call() == "x"
            way.source.rmdir()
            with pytest.raises(ProjectError, match="is gone"):
                way.call()


def test_a_backend_inside_a_module_is_found(ways: Ways) -> None:
    ways.write("class Outer:\n    class inner:\n        build_sdist = staticmethod(lambda folder, settings=None: 'y')")
    with ways.way(name="backend:Outer.inner") as way:
        assert (way.call(), way.reasons) == ("y", [])


def test_bytecode_is_written_by_the_host_whatever_hooks_are_told(ways: Ways) -> None:
    ways.write(backend("import helper", "import sys; return repr(sys.dont_write_bytecode)"))
    ways.write("", name="helper")
    with ways.way(environ={"PYTHONDONTWRITEBYTECODE": "1"}) as way:
        assert (way.call(), way.reasons) == ("True", [])
    assert {path.name.partition(".")[0] for path in (ways.place / "__pycache__").iterdir()} == {"backend", "helper"}


def test_a_lot_of_output_arrives_whole(ways: Ways) -> None:
    ways.write(backend(in_hook="print('0123456789' * 5_000_000); return 'x'"))
    with ways.way() as way:
        assert way.call() == "x"
        assert len(way.outcome([]).output) == 50_000_001


class Frontend:
    """A frontend as a process of its own, with streams of the test."""

    def __init__(self, ways: Ways, *, is_hosted: bool) -> None:
        self.folder = ways.tmp_path / ("hosted" if is_hosted else "fresh")
        self.argv, self.environ = frontend(ways.place, self.folder, is_hosted=is_hosted)

    def masked(self, text: str) -> str:
        return Way.masked(self, text)  # type: ignore[arg-type]

    @property
    def mark(self) -> str:
        return (self.folder / "mark").read_text()

    @property
    def answers(self) -> str:
        return (self.folder / "answers").read_text()


def in_terminal(one: Frontend) -> str:
    """Run it in a terminal and return what it shows there."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        one.argv, env=one.environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the last writer is gone
        pass
    os.close(ours)
    assert process.wait() == 0
    return one.masked(shown.decode())


@pytest.mark.parametrize("name", [*PRINTING, "prints", "warns"])
def test_a_hook_in_a_terminal_is_as_in_a_fresh_interpreter(ways: Ways, name: str) -> None:
    ways.write(EQUAL[name] if name in EQUAL else backend(UNSAFE[name][0]))
    hosted, fresh = (Frontend(ways, is_hosted=is_hosted) for is_hosted in (True, False))
    assert in_terminal(hosted) == in_terminal(fresh)
    assert hosted.answers.endswith("[])]" if name in EQUAL else "']]") or hosted.answers == fresh.answers


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_frontend_without_streams_gets_the_same_answers(ways: Ways, closed: str) -> None:
    code = "import os; fds = sorted(os.listdir('/proc/self/fd')); print('a'); return repr([fds, os.path.exists('/')])"
    ways.write(backend(in_hook=code))
    outcomes = []
    for is_hosted in (True, False):
        one = Frontend(ways, is_hosted=is_hosted)
        shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *one.argv]
        ran = subprocess.run(shell, env=one.environ, capture_output=True, text=True, check=True)
        outcomes.append((ran.stdout, ran.stderr, one.answers.partition("], [")[0]))
    assert outcomes[0] == outcomes[1]


def test_an_outcome_that_differs_is_not_equal() -> None:
    assert Outcome(output="a") != Outcome(output="b")

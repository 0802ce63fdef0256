"""Runs with many targets, from the arguments to the exit code; interpreters are such that pretend to be others."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from conftest import LocalBackend
from core.archives import Member, make_sdist, pkg_info
from pretenders import BACKEND, make_pretender, put_wheels, pythons, tag_of
from support import SDIST, LocalProject

from headless_wheel_builder.cli import main
from headless_wheel_builder.cli.interruption import SIGNALS
from headless_wheel_builder.isolation.capacity import JOB_VARIABLES
from headless_wheel_builder.isolation.target import this_platform

VERSIONS = [version for version in ((3, 9), (3, 10), (3, 11), (3, 14)) if version != sys.version_info[:2]][:3]
TAGS = [tag_of(version) for version in VERSIONS]
WHEELS = [f"pkg-1.0-{tag}.whl" for tag in TAGS]
# As they are called in the table.
NAMES = [f"cp{major}{minor}-{this_platform()}" for major, minor in VERSIONS]
FAILING = BACKEND.replace(
    "    return",
    f"    if {TAGS[1]!r} in os.environ.values():\n        print('compiling')\n        sys.exit('no')\n    return",
)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def table(self) -> dict[str, str]:
        """What came of each target, as the table has it."""
        lines = self.err.splitlines()
        begin = max(number for number, line in enumerate(lines) if line.startswith("target "))
        rows = [line.split() for line in lines[begin + 1 :] if not line.startswith(("ERROR", " "))]
        return {row[0] if len(row) < 2 or row[1] in STATUSES else " ".join(row[:2]): status(row) for row in rows}


STATUSES = {"built", "served", "excluded", "missing", "failed", "stopped"}


def status(row: list[str]) -> str:
    return next(word for word in row if word in STATUSES)


class CommandLine(Protocol):
    def __call__(self, *argv: str | Path) -> Outcome: ...


@pytest.fixture
def command(
    tmp_path: Path, temporary: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """Run the command line in this process, and see that it leaves no temporary folder."""
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITLAB_CI", "MAKEFLAGS", *JOB_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", os.fspath(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", os.fspath(tmp_path / "uv-python"))
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*argv: str | Path) -> Outcome:
        capfd.readouterr()
        code = main(["-nx", *(os.fspath(one) for one in argv)], prog="prog")
        return Outcome(code, *capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert os.listdir(temporary) == []


@pytest.fixture
def interpreters(tmp_path: Path) -> list[str]:
    """Return the arguments that name three interpreters."""
    return pythons(*(make_pretender(tmp_path / "bin" / f"python{minor}", (3, minor)) for _, minor in VERSIONS))


def project(local_backend: LocalBackend, code: str = BACKEND) -> LocalProject:
    made = local_backend(code)
    put_wheels(made, *TAGS)
    return made


def test_one_sdist_and_the_wheel_of_each_interpreter_are_built(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    made = project(local_backend)
    outcome = command(made.source, *interpreters)
    assert outcome.code == 0, outcome.err
    assert sorted(os.listdir(made.dist)) == sorted([*WHEELS, SDIST])
    assert outcome.table == dict.fromkeys(("sdist", *NAMES), "built")
    assert made.hooks.count("build_sdist") == 1
    assert outcome.out.count("\n") == 1
    assert outcome.out.startswith(f"Successfully built {SDIST}, ")
    assert all(wheel in outcome.out for wheel in WHEELS)


def test_a_pure_project_is_built_once(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    made = local_backend()
    outcome = command(made.source, "--jobs", "1", *interpreters)
    assert outcome.code == 0
    assert outcome.table == dict(zip(("sdist", *NAMES), ("built", "built", "served", "served"), strict=True))
    assert made.hooks.count("build_wheel") == 1
    assert outcome.out == f"Successfully built {SDIST} and pkg-1.0-py3-none-any.whl\n"


def test_a_failure_costs_the_others_nothing_and_the_exit_code_is_1(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    outcome = command(project(local_backend, FAILING).source, *interpreters)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.table == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "failed", NAMES[2]: "built"}
    log = outcome.err.partition(f"* {NAMES[1]}: failed")[2]
    assert "compiling\n" in log
    assert "no\n" in log
    assert "ERROR " in log
    assert "Traceback" not in outcome.err


def test_fail_fast_begins_nothing_more(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    outcome = command(project(local_backend, FAILING).source, *interpreters, "--fail-fast", "--jobs", "1")
    assert outcome.code == 1
    assert outcome.table == {"sdist": "built", NAMES[0]: "built", NAMES[1]: "failed", NAMES[2]: "stopped"}


def test_a_missing_interpreter_is_a_problem_that_is_explained(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    outcome = command(project(local_backend).source, *interpreters[:2], "--python", "/none/python")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.table == {"sdist": "built", NAMES[0]: "built", f"/none/python-{this_platform()}": "missing"}
    assert "ERROR There is no interpreter at /none/python\n  Check the path" in outcome.err


def test_what_is_no_interpreter_is_refused_before_anything_is_built(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    made = project(local_backend)
    outcome = command(made.source, "--python", "3.9,latest")
    assert (outcome.code, outcome.out, made.hooks) == (1, "", [])
    assert "'latest' is not an interpreter" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_plan_is_printed_and_nothing_is_built(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    made = project(local_backend)
    outcome = command(made.source, *interpreters, "--python", "/none", "--plan")
    plan = json.loads(outcome.out)
    assert (outcome.code, made.hooks, outcome.err) == (0, [], "")
    assert [one["identifier"] for one in plan["targets"]] == NAMES
    assert [one["python"] for one in plan["targets"]] == interpreters[1::2]
    assert [one["identifier"] for one in plan["missing"]] == [f"/none-{this_platform()}"]
    assert plan["sdists"] == [os.fspath(made.source)]
    assert not made.dist.exists()


def test_a_plan_has_each_target_once_whatever_it_is_called(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    argv = ["--isolation", "docker", "--platform", "auto,manylinux", "--arch", "x86_64,amd64", "--python", "3.11,cp311"]
    (tmp_path / "setup.py").write_text("")
    assert main([*argv, "--plan", str(tmp_path)]) == 0
    targets = json.loads(capfd.readouterr().out)["targets"]
    assert [target["identifier"] for target in targets] == ["cp311-manylinux_x86_64"]


def test_the_parts_of_a_run_build_each_target_once(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str], tmp_path: Path
) -> None:
    made = project(local_backend)
    built: list[str] = []
    for index in range(1, 6):
        folder = tmp_path / f"part{index}"
        outcome = command(made.source, *interpreters, "-o", folder, "--shard", f"{index}/5")
        assert outcome.code == 0, outcome.err
        built += os.listdir(folder) if folder.exists() else []
    assert sorted(built) == sorted([SDIST, *WHEELS])


def choosy(local_backend: LocalBackend, requires_python: str) -> LocalProject:
    """Make a project that compiles, as far as one sees, and whose sdist says which Pythons it is for."""
    made = project(local_backend, BACKEND + "def unused():\n    import maturin\n")
    content = pkg_info() + f"Requires-Python: {requires_python}\n".encode()
    files = [Member(f"pkg-1.0/{path.name}", path.read_bytes()) for path in made.source.iterdir() if path.is_file()]
    make_sdist(made.home, [Member("pkg-1.0/PKG-INFO", content), *files])
    return made


def test_a_run_that_leaves_no_target_has_no_wheel_and_says_so(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    made = choosy(local_backend, ">=99")
    outcome = command(made.source, *interpreters)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.table == {"sdist": "built", **dict.fromkeys(NAMES, "excluded")}
    assert outcome.err.splitlines()[-3] == "ERROR No wheel was built: no target is left"
    assert command(made.source, *interpreters, "-s").code == 0


def test_a_part_without_a_target_that_the_project_is_for_is_no_failure(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str], tmp_path: Path
) -> None:
    (major, minor), *_ = VERSIONS
    made = choosy(local_backend, f"=={major}.{minor}.*")
    argv = [made.source, *interpreters, "-o", tmp_path / "out", "--shard"]
    assert [command(*argv, f"{index}/3").code for index in (1, 2, 3)] == [0, 0, 0]
    assert sorted(os.listdir(tmp_path / "out")) == sorted([SDIST, WHEELS[0]])


def test_what_is_no_part_is_refused(command: CommandLine, local_backend: LocalBackend) -> None:
    outcome = command(project(local_backend).source, "--shard", "5/4")
    assert (outcome.code, outcome.out) == (1, "")
    assert "'5/4' is no part of a run" in outcome.err


def test_several_sources_have_folders_and_reports_of_their_own(
    command: CommandLine, local_backend: LocalBackend, tmp_path: Path
) -> None:
    one, two = local_backend(), local_backend()
    report = tmp_path / "report.json"
    outcome = command(one.source, two.source, "--report", report)
    assert outcome.code == 0, outcome.err
    assert sorted(os.listdir(one.dist)) == sorted(os.listdir(two.dist))
    entries = json.loads(report.read_text())["artifacts"]
    assert len(entries) == 4
    assert {entry["path"] for entry in entries} == {
        os.fspath(made.dist / name) for made in (one, two) for name in os.listdir(made.dist)
    }
    for entry in entries:
        assert hashlib.sha256(Path(entry["path"]).read_bytes()).hexdigest() == entry["hashes"]["sha256"]


def test_a_report_has_what_was_built_although_something_failed(
    command: CommandLine,
    local_backend: LocalBackend,
    interpreters: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = project(local_backend, FAILING)
    monkeypatch.chdir(made.source)
    report = tmp_path / "report.json"
    assert command(*interpreters, "-o", "out", "--report", report).code == 1
    entries = json.loads(report.read_text())["artifacts"]
    assert sorted(entry["path"] for entry in entries) == sorted(f"out/{name}" for name in (SDIST, WHEELS[0], WHEELS[2]))


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_built(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str], tmp_path: Path
) -> None:
    made = project(local_backend)
    outcome = command(made.source, *interpreters, "--report", tmp_path / "none" / "report.json")
    assert (outcome.code, outcome.out, made.hooks) == (1, "", [])


def test_an_output_folder_that_is_none_is_refused_before_anything_is_built(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str]
) -> None:
    first, second = project(local_backend), project(local_backend)
    second.dist.write_text("")
    outcome = command(first.source, second.source, *interpreters)
    assert (outcome.code, outcome.out, first.hooks, second.hooks) == (1, "", [], [])


def test_hooks_are_told_their_share_unless_the_user_says_more(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = BACKEND.replace(
        "    return", "    note('share', [os.environ.get('MAX_JOBS'), os.environ.get('MAKEFLAGS')])\n    return"
    )
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setattr("headless_wheel_builder.isolation.capacity.CGROUP", "/none")
    monkeypatch.setenv("MAX_JOBS", "17")
    made = project(local_backend, code)
    assert command(made.source, *interpreters, "--jobs", "2").code == 0
    assert [call.settings for call in made.calls if call.hook == "share"] == [["17", "-j3"]] * 3


def test_only_wheels_or_only_the_sdist_are_published_where_that_is_wanted(
    command: CommandLine, local_backend: LocalBackend, interpreters: list[str], tmp_path: Path
) -> None:
    made = project(local_backend)
    outcome = command(made.source, *interpreters, "-w", "-o", tmp_path / "w")
    assert sorted(os.listdir(tmp_path / "w")) == sorted(WHEELS)
    assert "sdist" not in outcome.table
    outcome = command(made.source, *interpreters, "-s", "-o", tmp_path / "s")
    assert os.listdir(tmp_path / "s") == [SDIST]
    assert outcome.out == f"Successfully built {SDIST}\n"
    assert "target " not in outcome.err


@pytest.mark.parametrize(("flag", "has_table", "has_names"), [("-q", True, True), ("-qq", False, False)])
def test_who_wants_quiet_gets_no_logs(
    command: CommandLine,
    local_backend: LocalBackend,
    interpreters: list[str],
    *,
    flag: str,
    has_table: bool,
    has_names: bool,
) -> None:
    code = BACKEND.replace("    return", "    print('compiling')\n    return")
    outcome = command(project(local_backend, code).source, *interpreters, flag)
    assert outcome.code == 0
    assert "compiling" not in outcome.err
    assert ("target " in outcome.err) is has_table
    assert outcome.out.startswith("Successfully built") is has_names


def test_settings_reach_all_hooks(command: CommandLine, local_backend: LocalBackend, interpreters: list[str]) -> None:
    made = project(local_backend)
    command(made.source, *interpreters, "-Cone=1")
    assert {json.dumps(call.settings) for call in made.calls} == {'{"one": "1"}'}


def test_the_running_interpreter_is_the_target_where_none_is_named(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    outcome = command(local_backend().source, "--plan")
    (target,) = json.loads(outcome.out)["targets"]
    assert target["python"] == sys.executable

"""The command line from its arguments to its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from build.__main__ import _build_failure_hint
from conftest import LocalBackend
from core.archives import METADATA, PLAIN, Member, make_sdist, make_wheel, plain
from support import PREPARE_METADATA, SDIST, WHEEL

from headless_wheel_builder.cli import main
from headless_wheel_builder.cli.interruption import SIGNALS
from headless_wheel_builder.core.build import Build

FAILING = "def build_wheel(*arguments):\n    print('compiling', flush=True)\n    sys.exit('no compiler')\n"
BUILT = f"Successfully built {SDIST} and {WHEEL}\n"
LEAD = "see https://build.pypa.io/en/stable/how-to/troubleshooting.html#debug-a-failed-build"
END = f"then {LEAD} for help debugging a failed build"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def lines(self, label: str) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith(label)]


class CommandLine(Protocol):
    def __call__(self, *argv: str | Path) -> Outcome: ...


@pytest.fixture
def command(
    tmp_path: Path, temporary: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """Run the command line in this process, without a network, and see that it leaves no temporary folder."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", os.fspath(tmp_path / "cache"))
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*argv: str | Path) -> Outcome:
        capfd.readouterr()
        code = main([os.fspath(one) for one in argv], prog="prog")
        return Outcome(code, *capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert os.listdir(temporary) == []


def test_a_build_says_its_steps_on_stderr_and_what_it_built_on_stdout(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    outcome = command("-n", local_backend().source)
    assert (outcome.code, outcome.out) == (0, BUILT)
    assert outcome.err.splitlines() == [
        "* Getting build dependencies for sdist...",
        "* Building sdist...",
        "* Building wheel from sdist",
        "* Getting build dependencies for wheel...",
        "* Building wheel...",
    ]


def test_an_isolated_build_without_requirements_says_that_an_environment_is_made(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    outcome = command("-w", local_backend().source)
    assert (outcome.code, outcome.out) == (0, f"Successfully built {WHEEL}\n")
    assert outcome.err.splitlines() == [
        "* Creating isolated environment: venv+uv...",
        "* Getting build dependencies for wheel...",
        "* Building wheel...",
    ]


@pytest.mark.parametrize(("option", "out", "has_steps"), [("-q", BUILT, True), ("-qq", "", False), ("-qqq", "", False)])
def test_quiet_and_more_quiet(
    command: CommandLine, local_backend: LocalBackend, option: str, out: str, has_steps: bool
) -> None:
    project = local_backend(
        f"def build_wheel(folder, *rest):\n    print('compiling')\n    return put(folder, {WHEEL!r})\n"
    )
    outcome = command("-n", option, project.source)
    assert (outcome.code, outcome.out, bool(outcome.err)) == (0, out, has_steps)
    assert "compiling" not in outcome.err


def test_the_current_folder_is_built_by_default(
    command: CommandLine, local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = local_backend()
    monkeypatch.chdir(project.source)
    assert command("-n", "--report", "report.json").code == 0
    paths = [one["path"] for one in json.loads((project.source / "report.json").read_text())["artifacts"]]
    assert paths == [os.path.realpath(project.dist / name) for name in (SDIST, WHEEL)]


def test_a_current_folder_that_is_gone_is_an_error(
    command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert command("-n").lines("ERROR") == ["ERROR The current folder does not exist any more"]


def test_options_reach_the_build(command: CommandLine, local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend()
    argv = ("-n", "-o", tmp_path / "out", "-C", "a=1", "-C", "a=2", "--sdist-extract-dir", tmp_path / "kept")
    assert command(*argv, project.source).code == 0
    assert sorted(os.listdir(tmp_path / "out")) == sorted([SDIST, WHEEL])
    assert {str(call.settings) for call in project.calls} == {"{'a': ['1', '2']}"}
    assert (tmp_path / "kept" / "pkg-1.0" / "backend.py").is_file()


@pytest.mark.parametrize(("code", "exit_code"), [("", 0), (FAILING, 1)])
def test_timings_are_written_whether_the_build_fails_or_not(
    command: CommandLine, local_backend: LocalBackend, tmp_path: Path, code: str, exit_code: int
) -> None:
    outcome = command("-n", "--timings", tmp_path / "t.html", local_backend(code).source)
    assert outcome.code == exit_code
    assert ("wheel (failed)" in (tmp_path / "t.html").read_text()) is bool(code)
    assert outcome.lines("  The waterfall") == [f"  The waterfall of this build is in {tmp_path / 't.html'}"]


def test_timings_that_cannot_be_written_are_refused_before_the_build(
    command: CommandLine, local_backend: LocalBackend, tmp_path: Path
) -> None:
    project = local_backend()
    outcome = command("-n", "--timings", tmp_path / "missing" / "t.html", project.source)
    assert (outcome.code, outcome.out, outcome.lines("*")) == (1, "", [])
    assert outcome.lines("ERROR")[0].endswith(f"there is no folder {tmp_path / 'missing'}")
    assert project.hooks == []


def test_timings_of_metadata_do_not_get_onto_stdout(
    command: CommandLine, local_backend: LocalBackend, tmp_path: Path
) -> None:
    outcome = command("-n", "--metadata", "--timings", tmp_path / "t.html", local_backend().source)
    assert json.loads(outcome.out)["name"] == "pkg"
    assert ">metadata<" in (tmp_path / "t.html").read_text()


def test_wheels_are_built_twice_when_asked_for_twice(command: CommandLine, local_backend: LocalBackend) -> None:
    outcome = command("-n", "-w", "-w", local_backend().source)
    assert outcome.out == f"Successfully built {WHEEL} and {WHEEL}\n"


def test_a_backend_that_fails_is_shown_once_and_nothing_is_left(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    project = local_backend(FAILING)
    outcome = command("-n", project.source)
    assert (outcome.code, outcome.out) == (1, "compiling\n")
    assert outcome.err.count("no compiler") == 1
    assert outcome.err.splitlines()[-2:] == [
        "ERROR Backend subprocess exited when trying to invoke build_wheel",
        "  It exited with status 1.",
    ]
    assert not project.dist.exists()


@pytest.mark.parametrize("option", ["-q", "-qq"])
def test_a_quiet_backend_that_fails_is_shown_all_the_same(
    command: CommandLine, local_backend: LocalBackend, option: str
) -> None:
    outcome = command("-n", option, local_backend(FAILING).source)
    assert (outcome.code, outcome.out) == (1, "")
    assert "compiling\nno compiler\n" in outcome.err


@pytest.mark.parametrize("options", [(), ("-v",), ("-q",), ("-qq",)])
def test_a_backend_that_fails_to_give_metadata_is_shown_once_on_stderr(
    command: CommandLine, local_backend: LocalBackend, options: tuple[str, ...]
) -> None:
    outcome = command("-n", "--metadata", *options, local_backend(FAILING).source)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("compiling") == outcome.err.count("no compiler") == 1


@pytest.mark.parametrize("verbosity", ["-v", "-qq"])
def test_metadata_is_json_on_stdout_and_nothing_else_is(
    command: CommandLine, local_backend: LocalBackend, verbosity: str
) -> None:
    code = PREPARE_METADATA.replace("    os.mkdir", "    print('preparing')\n    os.mkdir")
    project = local_backend(code)
    outcome = command("-n", "--metadata", verbosity, project.source)
    assert outcome.code == 0
    assert json.loads(outcome.out) == {
        "metadata_version": "2.1",
        "name": "pkg",
        "summary": "prepared",
        "version": "1.0",
    }
    assert outcome.out.startswith('{\n  "metadata_version"')
    assert ("< preparing" in outcome.err) is (verbosity == "-v")
    assert not project.dist.exists()


def test_metadata_of_a_wheel_is_read(command: CommandLine, tmp_path: Path) -> None:
    outcome = command("--metadata", make_wheel(tmp_path))
    assert (outcome.code, outcome.err, json.loads(outcome.out)["name"]) == (0, "", "pkg")


@pytest.mark.parametrize(
    "options", [["-w"], ["--metadata"], ["--jobs", "1"], ["--inspect"], ["--plan"], ["--isolation", "auto", "-w"]]
)
def test_a_bomb_is_refused_by_whatever_reads_it(command: CommandLine, tmp_path: Path, options: list[str]) -> None:
    bomb = make_sdist(tmp_path, [*plain(), Member("pkg-1.0/zeros", bytes(100_000))])
    outcome = command("--max-unpacked-size=50kB", "-o", os.fspath(tmp_path / "out"), *options, os.fspath(bomb))
    assert outcome.code == 1
    assert "unpacks to more than 48.83 KiB" in outcome.err
    assert "--max-unpacked-size 1GiB" in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_an_sdist_that_is_just_built_is_bounded_too(command: CommandLine, local_backend: LocalBackend) -> None:
    outcome = command("-n", "--max-unpacked-size=100B", local_backend().source)
    assert outcome.code == 1
    assert "unpacks to more than 100 B" in outcome.err


@pytest.mark.parametrize("size", ["0", "lots", "-1", ""])
def test_what_is_no_size_is_wrong_use(command: CommandLine, size: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        command(f"--max-unpacked-size={size}")


def test_metadata_of_hostile_names_is_json_without_control_characters(command: CommandLine, tmp_path: Path) -> None:
    hostile = "\x9b2J \x1b[2J \u202e ##[error]x"
    metadata = METADATA.replace(b"\n\n", f"\nSummary: {hostile}\n\n".encode())
    files = {**PLAIN, "pkg-1.0.dist-info/METADATA": metadata}
    outcome = command("--metadata", os.fspath(make_wheel(tmp_path, files)))
    assert json.loads(outcome.out)["summary"] == hostile
    assert all(one.isprintable() for one in outcome.out.split("\n"))
    assert "##[" not in outcome.out


def test_metadata_is_plain_ascii_where_stdout_is(tmp_path: Path) -> None:
    files = {
        "pkg-1.0.dist-info/METADATA": METADATA.replace(b"\n\n", "\nSummary: gr\u00fc\u00dfe\n\n".encode()),
        "pkg-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    }
    argv = [sys.executable, "-m", "headless_wheel_builder", "--metadata", os.fspath(make_wheel(tmp_path, files))]
    for encoding in ("ascii", "utf-8"):
        environ = {**os.environ, "PYTHONIOENCODING": encoding}
        out = subprocess.run(argv, env=environ, check=True, capture_output=True).stdout
        assert json.loads(out.decode(encoding))["summary"] == "gr\u00fc\u00dfe"


@pytest.mark.parametrize(
    ("argv", "tip"),
    [
        ("-n {source}", f"TIP pass --sdist-extract-dir to keep the sources, {END}"),
        ("-n -w {source}", None),
        ("-n -w -s {source}", None),
        ("-n {sdist}", f"TIP pass --sdist-extract-dir to keep the sources, {END}"),
        ("-n -w {sdist}", f"TIP pass --sdist-extract-dir to keep the sources, {END}"),
        ("-n --sdist-extract-dir {kept} {source}", f"TIP inspect the extracted sources at {{kept}}, {END}"),
        ("-n -w --sdist-extract-dir {kept} {source}", None),
        ("-w {source}", f"TIP pass --env-dir to keep the build environment, {END}"),
        ("-w --env-dir {env} {source}", f"TIP inspect the build environment at {{env}}, {END}"),
        ("{source}", f"TIP pass --env-dir and --sdist-extract-dir to keep the build environment and sources, {END}"),
        (
            "--env-dir {env} --sdist-extract-dir {kept} {source}",
            f"TIP inspect the build environment at {{env}} and the extracted sources at {{kept}}, {END}",
        ),
    ],
)
def test_the_tip_names_only_what_helps(
    command: CommandLine, local_backend: LocalBackend, tmp_path: Path, argv: str, tip: str | None
) -> None:
    project = local_backend(FAILING)
    places = {"env": tmp_path / "env", "kept": tmp_path / "kept"}
    texts = {"source": project.source, "sdist": project.home / SDIST, **places}
    outcome = command(*(word.format(**texts) for word in argv.split()))
    assert outcome.code == 1
    assert outcome.lines("TIP") == ([] if tip is None else [tip.format(**texts)])
    assert [name for name, place in places.items() if place.exists()] == [
        name for name in places if f"at {{{name}}}" in (tip or "")
    ]


def test_the_tip_is_in_the_words_of_build() -> None:
    both = "pass --env-dir and --sdist-extract-dir to keep the build environment and sources"
    assert _build_failure_hint(None, None) == f"{both}, {END}"
    kept = "inspect the build environment at E and the extracted sources at S"
    assert _build_failure_hint("E", "S") == f"{kept}, {END}"


def test_there_is_no_tip_when_no_hook_failed(command: CommandLine, local_backend: LocalBackend, tmp_path: Path) -> None:
    unmet = local_backend(pyproject="[build-system]\nrequires = ['no-such-thing']\n")
    missing = command("-n", unmet.source)
    assert missing.err.startswith(f"ERROR Unmet dependencies (checked against {sys.executable}):\n\tno-such-thing\n")
    assert command(unmet.source).lines("ERROR") == ["ERROR The build requirements could not be installed"]
    for outcome in (missing, command(unmet.source), command("-n", tmp_path / "missing")):
        assert (outcome.code, outcome.out, outcome.lines("TIP")) == (1, "", [])


def test_the_dependency_check_can_be_skipped(command: CommandLine, local_backend: LocalBackend) -> None:
    pyproject = "[build-system]\nrequires = ['no-such-thing']\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    project = local_backend(pyproject=pyproject)
    assert command("-n", "-x", "-w", project.source).code == 0
    assert command("--isolation", "none", "-w", project.source).code == 1


def test_an_error_has_its_cause_and_its_hint_below_it(command: CommandLine, tmp_path: Path) -> None:
    outcome = command(tmp_path / "missing")
    assert outcome.err.splitlines() == [
        f"ERROR Source {tmp_path / 'missing'} is not a directory",
        "  Nothing of that name exists.",
        "  Check the spelling and the current folder.",
    ]


@pytest.mark.parametrize("text", ["{", "[]"])
def test_wrong_settings_are_an_error_before_anything_is_read(command: CommandLine, tmp_path: Path, text: str) -> None:
    outcome = command("--config-json", text, tmp_path / "missing")
    assert (outcome.code, outcome.out) == (1, "")
    assert "--config-json" in outcome.lines("ERROR")[0]


def test_a_wrong_interpreter_is_an_error_before_anything_is_made(
    command: CommandLine, local_backend: LocalBackend
) -> None:
    outcome = command("--python", "latest", local_backend().source)
    assert (outcome.code, outcome.lines("ERROR")) == (1, ["ERROR 'latest' is not an interpreter"])
    assert outcome.lines("*") == []


def test_what_the_system_refuses_is_an_error_without_a_traceback(
    command: CommandLine, local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Build) -> None:
        raise OSError(28, "No space left on device", "/full")

    monkeypatch.setattr(Build, "run", refuse)
    outcome = command("-n", local_backend().source)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("ERROR [Errno 28] No space left on device: '/full'\n")
    assert "Traceback" not in outcome.err


def test_a_bug_of_our_own_shows_what_its_report_needs(
    command: CommandLine, local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Build) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Build, "run", fail)
    outcome = command("-n", local_backend().source)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Traceback")
    assert outcome.lines("ERROR") == ["ERROR ZeroDivisionError: a bug"]
    assert "please report it" in outcome.err


def test_a_usage_error_exits_with_two(command: CommandLine) -> None:
    with pytest.raises(SystemExit) as caught:
        command("--nonsense")
    assert caught.value.code == 2


@pytest.mark.parametrize("name", ["build", "packaging", "json", "pyproject_hooks", "subprocess"])
def test_what_lies_in_the_current_folder_is_not_imported_instead_of_ours(
    local_backend: LocalBackend, name: str
) -> None:
    project = local_backend()
    current = project.home / "current"
    current.mkdir()
    (current / f"{name}.py").write_text("raise SystemExit('hijacked')")
    argv = [sys.executable, "-m", "headless_wheel_builder", "-n", "-w", os.fspath(project.source)]
    done = subprocess.run(argv, cwd=current, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"Successfully built {WHEEL}\n"), done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--docker-host", "tcp://jane:s3cret@127.0.0.1:1"),
        ("--docker-host", "tcp://jane:s3/cret@127.0.0.1:1"),
        ("--docker-host", "ssh://jane:s3cret@127.0.0.1:1"),
        ("--scheduler", "tcp://jane:s3cret@127.0.0.1:1"),
    ],
)
def test_an_option_that_is_refused_is_told_without_its_password(
    command: CommandLine, local_backend: LocalBackend, option: str, value: str
) -> None:
    docker = [] if option == "--scheduler" else ["--isolation=docker"]
    outcome = command(*docker, f"{option}={value}", local_backend().source)
    assert outcome.code == 1
    assert "****" in outcome.err
    assert not re.search("jane|s3", outcome.err)


@pytest.mark.parametrize("argv", [["--index-url=https://jane:s3cret@host"], ["--platform=https://jane:s3cret@host"]])
def test_wrong_use_is_told_without_passwords(
    command: CommandLine, argv: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command(*argv)
    assert "https://****@host" in capfd.readouterr().err


def test_a_bug_of_ours_is_told_without_passwords(
    command: CommandLine, local_backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_build: Build) -> None:
        raise ZeroDivisionError("https://jane:s3cret@host")

    monkeypatch.setattr(Build, "run", broken)
    project = local_backend()
    outcome = command("-n", "--timings", project.home / "timings.html", project.source)
    assert outcome.code == 1
    assert "ERROR ZeroDivisionError: https://****@host" in outcome.err
    assert "s3cret" not in outcome.err + (project.home / "timings.html").read_text()

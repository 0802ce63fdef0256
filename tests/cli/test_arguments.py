"""The same arguments as `python -m build`: its own parser is the measure."""

from __future__ import annotations

import argparse
import contextvars
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import build
import pytest
from build.__main__ import main as build_main
from build.__main__ import main_parser
from core.archives import make_sdist, make_wheel

import headless_wheel_builder
from headless_wheel_builder import __version__
from headless_wheel_builder.cli.arguments import parse_arguments
from headless_wheel_builder.cli.containers import DEFAULTS
from headless_wheel_builder.cli.parser import UNABBREVIATED, make_parser

PROG = "prog"
# Ours has them, theirs has not.
NEW = {
    "config_from_sdist",
    "fail_fast",
    "inspect",
    "json",
    "max_unpacked_size",
    "scheduler",
    "clean_env",
    "fresh_env",
    "isolation",
    "no_network",
    "jobs",
    "plan",
    "pythons",
    "shard",
    "timings",
    "timeout",
    "hook_timeout",
    "hook_silence",
    *DEFAULTS,
}

ACCEPTED = [
    "",
    "src",
    "-q",
    "-qq",
    "-q -q -q",
    "-v",
    "-vvv",
    "--quiet --quiet",
    "--verbose",
    "-o out",
    "-oout",
    "-o=out",
    "--outdir out",
    "--outdir=out",
    "--outdir=",
    "-o one -o two",
    "--sdist-extract-dir d",
    "-s",
    "-w",
    "--sdist",
    "--wheel",
    "-w -s",
    "-s -w",
    "-sw",
    "-w -w",
    "-s -w -s",
    "--metadata",
    "--report r",
    "--report=-",
    "-C a=b",
    "-Ca=b",
    "-C=a=b",
    "-C a -C a=b -C c=d=e",
    "-C--opt=x",
    "--config-setting a=b",
    "--config-setting=--opt",
    "--config-json {}",
    "--config-json=",
    "--installer pip",
    "--installer=uv",
    "-n",
    "--no-isolation",
    "-n -x",
    "-nx",
    "-x",
    "--skip-dependency-check",
    "--env-dir e",
    "--dependency-constraints-txt c.txt",
    "src -w -o out",
    "-w -o out src",
    "-w -- src",
    "-- -src",
    "-w src -nxq",
    "--no-isolation --wheel --outdir=x",
]
UNIQUE_PREFIXES = [
    "--ins pip",
    "--inst=uv",
    "--rep r",
    "--repo=r",
    "--env e",
    "--env-d=e",
    "--ou o",
    "--o o",
    "--dep c",
    "--d c",
    "--sk",
    "--skip",
    "--me",
    "--m",
    "--q",
    "--quie",
    "--verb",
    "--w",
    "--whe",
    "--n",
    "--no-i",
    "--sdist-e d",
    "--sdist-extract=d",
    "--config-s a=b",
    "--config-j {}",
]
REFUSED = [
    "--s",
    "--con x",
    "--config x",
    "--ve",
    "--v",
    "--i pip --i",
    "-q -v",
    "-v -q",
    "--verbose --quiet",
    "-n --installer pip",
    "--installer uv -n",
    "--installer pip --no-isolation",
    "-C a=b --config-json {}",
    "--config-json {} -C a=b",
    "--config-json= -C a=b",
    "--installer x",
    "--installer",
    "-o",
    "--outdir",
    "-C --foo",
    "-C",
    "--report",
    "--env-dir",
    "--srcdir x",
    "--nonsense",
    "-z",
    "--wheel=x",
    "--metadata=1",
    "-q=3",
]


def words(line: str) -> list[str]:
    return line.split()


def values(parser: argparse.ArgumentParser, argv: Sequence[str]) -> dict[str, object]:
    return vars(parser.parse_args(argv))


def theirs() -> argparse.ArgumentParser:
    parser = main_parser()
    parser.prog = PROG
    return parser


def last_line(run: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line on stderr of what exits with 2."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: ")
    return err.splitlines()[-1]


@pytest.mark.parametrize("line", [*ACCEPTED, *UNIQUE_PREFIXES])
def test_what_build_accepts_means_the_same(line: str) -> None:
    ours = {name: value for name, value in values(make_parser(PROG), words(line)).items() if name not in NEW}
    ours["srcdir"] = next(iter(ours.pop("srcdirs")), None)
    expected = values(theirs(), words(line))
    # Ours are decided later: the default installer is uv, and the current folder may be gone.
    defaults = {"srcdir": expected["srcdir"], "installer": expected["installer"]}
    assert {name: defaults.get(name) if value is None else value for name, value in ours.items()} == expected
    assert ours["srcdir"] in {None, expected["srcdir"]}


@pytest.mark.parametrize("line", REFUSED)
def test_what_build_refuses_is_refused_in_its_words(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = last_line(lambda: theirs().parse_args(words(line)), capsys)
    assert last_line(lambda: parse_arguments(words(line), PROG), capsys) == expected


@pytest.mark.parametrize(
    "line",
    [
        "-n --env-dir e",
        "--metadata --report r",
        "--metadata -w",
        "-s --metadata",
        "{wheel}",
        "{wheel} -w",
        "{sdist} -s",
        "{sdist} -s -w",
        "-n --env-dir e --metadata --report r",
        "--metadata --report r {wheel} -s",
        "{wheel} --sdist",
    ],
)
def test_what_build_refuses_after_parsing_is_refused_in_its_words(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = words(line.format(wheel=make_wheel(tmp_path), sdist=make_sdist(tmp_path)))
    # It keeps its settings in context variables.
    expected = last_line(lambda: contextvars.copy_context().run(build_main, argv, PROG), capsys)
    assert last_line(lambda: parse_arguments(argv, PROG), capsys) == expected


@pytest.mark.parametrize("line", ["{wheel} --metadata", "{sdist}", "{sdist} -w -w", "{sdist} --metadata"])
def test_files_may_be_what_build_lets_them_be(line: str, tmp_path: Path) -> None:
    argv = words(line.format(wheel=make_wheel(tmp_path), sdist=make_sdist(tmp_path)))
    assert parse_arguments(argv, PROG).srcdir == argv[0]


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no option broken at its hyphens."""
    monkeypatch.setenv("COLUMNS", "1000")


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return every option, short and long, that the help shows, without the examples in it."""
    found = re.findall(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])", parser.format_help())
    return {option for option in found if not option.startswith("--my-")}


def test_every_option_of_build_is_there_with_its_short_form() -> None:
    ours, expected = options(make_parser(PROG)), options(theirs())
    assert {"-C", "--config-setting", "-V", "--sdist-extract-dir"} <= expected
    assert expected <= ours
    assert ours >= UNABBREVIATED


def outcome(parser: argparse.ArgumentParser, argv: Sequence[str], capsys: pytest.CaptureFixture[str]) -> object:
    """Return what was parsed, or the last line of what was said."""
    try:
        found = values(parser, argv)
    except SystemExit:
        return capsys.readouterr().err.splitlines()[-1:]
    return {name: value for name, value in found.items() if name not in {*NEW, "srcdir", "srcdirs", "installer"}}


def test_every_abbreviation_of_a_long_option_means_what_it_means_to_build(capsys: pytest.CaptureFixture[str]) -> None:
    parser, reference = make_parser(PROG), theirs()
    long = {option for option in options(reference) if option.startswith("--")}
    prefixes = {option[:end] for option in long for end in range(3, len(option) + 1)}
    assert len(prefixes) > 80
    for prefix in sorted(prefixes):
        assert outcome(parser, [prefix], capsys) == outcome(reference, [prefix], capsys), prefix


@pytest.mark.parametrize(
    "option", ["--pytho", "--py", "--isol", "--iso", "--timing", "--t", "--timeou", "--hook-time", "--clean-e"]
)
def test_an_option_of_our_own_is_written_in_full(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "unrecognized arguments" in last_line(lambda: parse_arguments([option, "none"], PROG), capsys)


def test_what_is_no_option_is_told_without_its_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    # As a file may be called that a shell found.
    told = last_line(lambda: parse_arguments(["--\33[2J##[group]"], PROG), capsys)
    assert told.endswith("unrecognized arguments: --\\x1b[2J\\x23#[group]")


@pytest.mark.parametrize(
    ("line", "python", "no_isolation"),
    [
        ("--python 3.12", "3.12", False),
        ("--python=./venv", "./venv", False),
        ("--isolation venv", None, False),
        ("--isolation none", None, True),
        ("--isolation=none -n", None, True),
        ("--isolation none -x", None, True),
        ("--isolation venv --installer pip", None, False),
    ],
)
def test_options_of_our_own(line: str, python: str | None, no_isolation: bool) -> None:
    arguments = parse_arguments(words(line), PROG)
    assert (arguments.python, arguments.no_isolation) == (python, no_isolation)


@pytest.mark.parametrize("line", ["--timings t.html", "--timings=t.html", "--metadata --timings t.html"])
def test_timings_may_be_asked_for_whatever_is_built(line: str) -> None:
    assert parse_arguments(words(line), PROG).timings == "t.html"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-n --isolation venv", "argument --isolation: not allowed with argument --no-isolation/-n"),
        ("--isolation none --installer pip", "argument --installer: not allowed with argument --isolation none"),
        ("--isolation none --env-dir e", "--env-dir: not allowed with --no-isolation"),
        (
            "-n --scheduler tcp://127.0.0.1:8786",
            "--scheduler: not allowed with --no-isolation, which builds on this machine only",
        ),
        (
            "--isolation docker-ish",
            "argument --isolation: invalid choice: 'docker-ish' (choose from 'venv', 'docker', 'auto', 'none')",
        ),
        ("--python", "argument --python: expected one argument"),
        ("--timings", "argument --timings: expected one argument"),
        ("--timings -w", "argument --timings: expected one argument"),
    ],
)
def test_options_of_our_own_that_contradict(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert last_line(lambda: parse_arguments(words(line), PROG), capsys) == f"{PROG}: error: {message}"


@pytest.mark.parametrize("option", ["-V", "--version", "--vers"])
def test_the_version_and_where_it_is_are_said_on_stdout(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([option], PROG)
    home = os.path.dirname(headless_wheel_builder.__file__)
    assert (caught.value.code, *capsys.readouterr()) == (0, f"headless-wheel-builder {__version__} ({home})\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_option_on_stdout(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([option], PROG)
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    assert options(make_parser(PROG)) >= options(theirs())
    assert all(option in out for option in options(make_parser(PROG)))


def test_arguments_are_parsed_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert parse_arguments(["/source"], PROG).srcdir == "/source"
    assert build.__version__


@pytest.mark.parametrize(
    ("line", "env", "env_dir"),
    [
        ("--clean-env --env A=1 --env B", ["A=1", "B"], None),
        ("--env=A=1 --clean-env -n", ["A=1"], None),
        ("--clean-env --env-dir e --env A", ["A"], "e"),
        ("--env e", None, "e"),
        ("--env=e", None, "e"),
    ],
)
def test_env_names_variables_beside_what_build_does_not_know(
    line: str, env: list[str] | None, env_dir: str | None
) -> None:
    arguments = parse_arguments(words(line), PROG)
    assert (arguments.env, arguments.env_dir) == (env, env_dir)


def test_variables_for_hooks_that_have_them_all_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = last_line(lambda: parse_arguments(words("--clean-env --no-clean-env --env A=1"), PROG), capsys)
    assert said == f"{PROG}: error: --env: only allowed with --isolation docker or auto, or with --clean-env"

"""Both command lines, side by side: what one prints, writes and exits with, so does the other.

`python -m build` gets `--installer uv` where nothing else is asked for, since that is our default.
Where something fails, ours may say more; docs/differences.md lists what is meant to differ.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Pair, Run

ISOLATED = ("--installer", "uv")


def same_result(pair: Pair) -> None:
    """Check what any caller can rely on, whatever the verbosity."""
    theirs, ours = pair.theirs, pair.ours
    assert theirs.exit_code == 0, theirs.stderr
    assert ours.exit_code == 0, ours.stderr
    assert ours.stdout == theirs.stdout
    assert ours.contents == theirs.contents
    assert {path: text for path, text in ours.texts.items() if not is_record(path)} == theirs.texts
    assert tuple(path for path in ours.changes if not is_record(path)) == theirs.changes


def is_record(path: str) -> bool:
    """Tell whether a file is our note of what we unpacked; see docs/differences.md on `--sdist-extract-dir`."""
    return path.endswith(".hwb.json")


def same(pair: Pair) -> None:
    """Check that not a byte differs, of what is printed or written."""
    same_result(pair)
    assert bytes_of(pair.ours) == bytes_of(pair.theirs)
    assert pair.ours.stderr == pair.theirs.stderr


def bytes_of(run: Run) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in run.artifacts.items()}


def demo_and_archives(root: Path) -> None:
    """Fill a workspace with everything that a command line can be pointed at."""
    projects.demo(root)
    projects.demo(root, folder="folder.tar.gz")
    projects.sdist(root, change="")
    projects.wheel(root)
    (root / "empty").mkdir()
    (root / "link").symlink_to("demo")
    (root / "constraints.txt").write_text("packaging<26\n")
    (root / "no-constraints.txt").write_text("\n")


INSIDE_THE_PROJECT = r"""
-n -x
-n
-xn
--no-isolation --skip-dependency-check
-nx -s
-nx -w
-nxsw
-nx -w -s
-nx -w -w
-nx -s -s
-nx -s -w -s
-nx --sdist
-nx --wheel
-nx .
-nx ./
-nx -- .
-nx ../demo
-nx {root}/demo
-nx {root}/demo/
-nx -o out
-nx -oout
-nx --outdir out
-nx --outdir=out/nested/deep
-nx -o ''
-nx --outdir=
-nx -o .
-nx -o ./out
-nx -o ../out
-nx -o {root}/out
-nx -o dist -o other
-nx -w -o 'with space'
-nx -w -o ../empty
-nx --report report.json
-nx --report ./report.json
-nx --report {root}/report.json
-nx --report=-
-nx --report a.json --report b.json
-nx -w -s -w --report report.json
-nx -o . --report report.json
-nx -o '' --report report.json
-nx -o ./out/ --report report.json
-nx -o out --report out/report.json
-nx -o {root}/out --report ../empty/report.json
-nx . --report report.json
-nx ./ --report report.json
-nx -C key=value
-nx -Ckey=value
-nx -C=key=value
-nx -w --config-setting key=value
-nx -w --config-setting=--flag=1
-nx -w -C--global-option=--verbose
-nx -w -C a=1 -C a=2 -C b=3 -C a=4
-nx -w -C a=b=c
-nx -w -C a=
-nx -w -C a
-nx -w -C a -C b -C a=1
-nx -w -C =v
-nx -w -C 'a b = c d '
-nx -w -C é=ü
-nx -w --config-json '{"a": 1, "b": [true, null, {"c": "d"}], "e": 1.5}'
-nx -w --config-json={}
-nx -w --config-json ''
-nx -w --config-json '{"a": "é"}'
-nx --dependency-constraints-txt missing.txt
-nx --sdist-extract-dir kept
-nx --sdist-extract-dir ../kept/nested
-nx -w --sdist-extract-dir kept
-nx -s --sdist-extract-dir kept
--no -x -w
-nx --sk --w --ou out --rep report.json
-nx --config-s a=b -w
-nx --config-j {} -w
--wh -nx --out out
-w . -nx -o out
-q -nx
-qq -nx
-qqq -nx
-nx --quiet --quiet
-nx --q -w
-nx -qw
"""

BESIDE_THE_PROJECT = r"""
-nx demo
-nx ./demo
-nx demo/
-nx demo//
-nx link
-nx demo --report report.json
-nx demo/ --report report.json
-nx ./demo -o .
-nx demo -w -o out
-w -nx --report report.json demo -C a=b
-nx folder.tar.gz
-nx demo-1.0.tar.gz
-nx ./demo-1.0.tar.gz
-nx {root}/demo-1.0.tar.gz
-nx -w demo-1.0.tar.gz
-nx -w -w demo-1.0.tar.gz
-nx demo-1.0.tar.gz -o out
-nx demo-1.0.tar.gz -o ''
-nx demo-1.0.tar.gz --report report.json
-nx ./demo-1.0.tar.gz --report report.json -o ./out
-nx demo-1.0.tar.gz --sdist-extract-dir kept
-nx demo-1.0.tar.gz -C a=b
-nx -q demo-1.0.tar.gz
"""

ISOLATED_INSIDE = r"""

-s
-w
-sw
-w -s -w
-x
--env-dir env
--env-dir ../new/nested/env -w
--env-dir ../empty -w
--e env -w
--sdist-extract-dir kept --env-dir env
--dependency-constraints-txt ../constraints.txt
--dep ../no-constraints.txt -w
-C a=b
-q
-qq
--report report.json -o out
../demo-1.0.tar.gz
"""

METADATA = r"""
--metadata -nx
--metadata -nx ../demo
--metadata -nx -o out
--metadata -nx --sdist-extract-dir kept
--metadata -nx -C a=b
--metadata -nx -q
--metadata -nx -qq
--metadata -nx ../demo-1.0.tar.gz
--me -nx
--metadata ../demo-1.0-py3-none-any.whl
--metadata -n ../demo-1.0-py3-none-any.whl
--metadata ../demo-1.0-py3-none-any.whl --env-dir env
--metadata ../demo-1.0-py3-none-any.whl --sdist-extract-dir kept -C a=b
--metadata
--metadata --env-dir env
--metadata ../demo-1.0.tar.gz
"""


OPTIONS = {
    "--help": (),
    "--version": (),
    "--quiet": (),
    "--verbose": (),
    "--outdir": ("out",),
    "--sdist-extract-dir": ("kept",),
    "--sdist": (),
    "--wheel": (),
    "--metadata": (),
    "--report": ("report.json",),
    "--config-setting": ("a=b",),
    "--config-json": ("{}",),
    "--installer": ("uv",),
    "--no-isolation": (),
    "--env-dir": ("env",),
    "--dependency-constraints-txt": ("c.txt",),
    "--skip-dependency-check": (),
}


def command_lines(text: str) -> pytest.MarkDecorator:
    """Return one case for each line."""
    lines = text.removeprefix("\n").splitlines()
    return pytest.mark.parametrize("line", lines, ids=[line or "(no argument)" for line in lines])


@command_lines(INSIDE_THE_PROJECT)
def test_every_option_does_the_same_in_the_projects_folder(frontends: Frontends, line: str) -> None:
    same(frontends.both(demo_and_archives, *shlex.split(line)))


@command_lines(BESIDE_THE_PROJECT)
def test_every_form_of_source_is_found_and_built_the_same(frontends: Frontends, line: str) -> None:
    same(frontends.both(demo_and_archives, *shlex.split(line), cwd="."))


@command_lines(ISOLATED_INSIDE)
def test_an_isolated_build_is_the_same_with_uv_on_both_sides(frontends: Frontends, line: str) -> None:
    same(frontends.both(demo_and_archives, *shlex.split(line), theirs_also=ISOLATED))


@command_lines(METADATA)
def test_metadata_is_the_same_but_for_the_random_order_of_its_keys(frontends: Frontends, line: str) -> None:
    also = () if "-n" in line else ISOLATED
    pair = frontends.both(demo_and_archives, *shlex.split(line), theirs_also=also)
    theirs, ours = pair.theirs, pair.ours
    assert (ours.exit_code, theirs.exit_code) == (0, 0), ours.stderr
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert lines_of(ours.stdout) == lines_of(theirs.stdout)
    assert (ours.stderr, ours.changes) == (theirs.stderr, theirs.changes)


def lines_of(text: str) -> list[str]:
    return sorted(line.rstrip(",") for line in text.splitlines())


@pytest.mark.parametrize("line", ["-v", "-vv", "-vvv", "--verbose -w", "--verb -s", "-v -nx", "-vv -w"])
def test_a_verbose_build_prints_the_same_to_stdout_and_makes_the_same_steps(frontends: Frontends, line: str) -> None:
    also = () if "-n" in line else ISOLATED
    make = partial(projects.demo, requires='["packaging"]')
    pair = frontends.both(make, *shlex.split(line), *also)
    same_result(pair)
    assert pair.ours.steps == pair.theirs.steps


def test_installer_commands_are_shown_with_their_output_when_verbose(frontends: Frontends) -> None:
    pair = frontends.both(partial(projects.demo, requires='["packaging"]'), "-v", "-w", "--installer", "uv")
    for run in (pair.theirs, pair.ours):
        assert any(line.startswith("> ") for line in run.stderr.splitlines()), run.stderr
        assert any(line.startswith("< ") for line in run.stderr.splitlines()), run.stderr


def test_requirements_of_the_table_and_of_the_hook_are_installed_and_listed_the_same(frontends: Frontends) -> None:
    change = """
        REQUIRES = {"sdist": ["packaging>=23"], "wheel": ["colorama", "Idna>=3"]}

        def build_wheel(*args, build_wheel=build_wheel):
            import colorama, idna, packaging
            return build_wheel(*args)
        """
    make = partial(projects.demo, change=change, requires='["packaging"]')
    same(frontends.both(make, theirs_also=ISOLATED))


def test_requirements_with_extras_and_markers_are_installed_and_listed_the_same(frontends: Frontends) -> None:
    requires = """["tomli; python_version < '3'", "requests[socks]>=2 ; python_version >= '3'", "idna (>=3)"]"""
    same(frontends.both(partial(projects.demo, requires=requires), "-w", theirs_also=ISOLATED))


def test_constraints_bind_requirements_the_same(frontends: Frontends) -> None:
    def make(root: Path) -> None:
        projects.demo(root, 'REQUIRES = {"sdist": [], "wheel": ["colorama"]}', requires='["packaging"]')
        (root / "demo" / "constraints.txt").write_text("# pinned\npackaging==24.0\ncolorama==0.4.5\n")

    pair = frontends.both(make, "-w", "--dependency-constraints-txt", "constraints.txt", theirs_also=ISOLATED)
    same(pair)
    assert "packaging==24.0" in pair.ours.stderr
    assert "colorama==0.4.5" in pair.ours.stderr


@pytest.mark.parametrize("line", ["", "-w", "-q -w"])
def test_the_pip_installer_differs_only_in_the_maker_of_the_environment(frontends: Frontends, line: str) -> None:
    make = partial(projects.demo, requires='["packaging"]')
    pair = frontends.both(make, *shlex.split(line), "--installer", "pip")
    same_result(pair)
    assert "virtualenv+pip" in pair.ours.stderr
    assert pair.ours.stderr == pair.theirs.stderr.replace("venv+pip", "virtualenv+pip")


@pytest.mark.parametrize("maker", projects.STANDARD.values(), ids=projects.STANDARD.keys())
def test_a_project_of_each_backend_is_built_the_same(frontends: Frontends, maker: Callable[[Path], Path]) -> None:
    # Debug information holds the path of the folder that the sdist is unpacked to.
    env = {"SOURCE_DATE_EPOCH": "1700000000", "CFLAGS": "-g0"}
    pair = frontends.both(maker, "-o", "{root}/out", env=env, theirs_also=ISOLATED)
    theirs, ours = pair.theirs, pair.ours
    assert (ours.exit_code, theirs.exit_code) == (0, 0), ours.stderr
    assert ours.contents == theirs.contents
    assert ours.steps == theirs.steps
    assert ours.stdout.splitlines()[-1] == theirs.stdout.splitlines()[-1]


@pytest.mark.parametrize("value", ["", "0", "1"])
@pytest.mark.parametrize("names", [("NO_COLOR",), ("FORCE_COLOR",), ("NO_COLOR", "FORCE_COLOR")], ids="+".join)
def test_colours_are_the_same_to_the_byte(frontends: Frontends, names: tuple[str, ...], value: str) -> None:
    pair = frontends.both(projects.demo, "-nx", env=dict.fromkeys(names, value))
    if len(names) > 1:  # theirs colours even the warning that colour is off
        uncoloured = pair.theirs.stderr.replace("\33[93m", "").replace("\33[0m", "")
        pair = replace(pair, theirs=replace(pair.theirs, stderr=uncoloured))
    same(pair)
    assert ("\33[" in pair.ours.stdout) == (names == ("FORCE_COLOR",))


@pytest.mark.parametrize("line", ["-nxs", "-nx -w -s -w", "-w"])
def test_the_final_line_is_coloured_the_same_for_one_artifact_and_for_three(frontends: Frontends, line: str) -> None:
    also = () if "-n" in line else ISOLATED
    same(frontends.both(projects.demo, *shlex.split(line), env={"FORCE_COLOR": "1"}, theirs_also=also))


@pytest.mark.parametrize("columns", ["", "0", "1", "2", "3", "12", "30", "79", "200", "x"])
def test_step_lines_are_wrapped_the_same_for_any_width(frontends: Frontends, columns: str) -> None:
    make = partial(projects.demo, requires='["packaging"]')
    same(frontends.both(make, "-w", env={"COLUMNS": columns}, theirs_also=ISOLATED))


def test_satisfied_requirements_pass_the_check_without_isolation(frontends: Frontends) -> None:
    same(frontends.both(partial(projects.demo, requires='["packaging>=20", "pyproject_hooks"]'), "-n"))


def test_a_dependency_check_asks_the_hooks_of_both_artifacts(frontends: Frontends) -> None:
    change = 'REQUIRES = {"sdist": ["packaging"], "wheel": ["pyproject-hooks"]}'
    same(frontends.both(partial(projects.demo, change=change), "-n"))


def test_skipping_the_check_builds_with_unmet_requirements(frontends: Frontends) -> None:
    same(frontends.both(partial(projects.demo, requires='["does-not-exist-anywhere==7"]'), "-n", "-x"))


@pytest.mark.parametrize(
    "flags", [("-h",), ("--help",), ("--he",), ("-h", "--bogus"), ("--version",), ("-V",)], ids=" ".join
)
def test_help_and_version_go_to_stdout_and_exit_with_zero(frontends: Frontends, flags: tuple[str, ...]) -> None:
    pair = frontends.both(projects.demo, *flags)
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (0, 0)
    assert (pair.ours.stderr, pair.ours.changes) == ("", ())
    if "-V" not in flags and "--version" not in flags:
        assert OPTIONS.keys() <= set(re.findall(r"--[a-z-]+", pair.ours.stdout))


def test_version_says_the_name_and_the_folder_of_this_package(frontends: Frontends) -> None:
    run = frontends.both(projects.demo, "-V").ours
    assert re.fullmatch(r"headless[-_]wheel[-_]builder \S+ \(/.*/headless_wheel_builder\)\n", run.stdout)


# --- wrong use -------------------------------------------------------------------------------------------------------

WRONG_USE = r"""
-q -v
-v -q
-vq
--quiet --verbose
-n --installer pip
-n --installer uv
--installer uv -n
--installer pip --no-isolation
-C a=b --config-json {}
--config-json {} -C a=b
--config-json '' -C a=b
--installer x
--installer ''
--installer
-o
--outdir
--report
--env-dir
--sdist-extract-dir
--dependency-constraints-txt
--config-json
-C --foo
-C
--bogus
-Z
--srcdir .
--wheel=1
-w=1
--no-isolation=yes
-n --env-dir env
--env-dir '' -n
--report r.json --metadata
--metadata --report r.json -w
../demo-1.0-py3-none-any.whl
-w ../demo-1.0-py3-none-any.whl
-s ../demo-1.0-py3-none-any.whl
--metadata -s
--metadata -w
--metadata -w ../demo-1.0-py3-none-any.whl
--metadata -s ../demo-1.0.tar.gz
-s ../demo-1.0.tar.gz
-s -w ../demo-1.0.tar.gz
-n --env-dir env --metadata --report r.json
--metadata --report r.json --config-json '['
--i pip -n
--py 3
--pyth 3
--is none
--iso none
--isolatio none
"""


@command_lines(WRONG_USE)
def test_wrong_use_is_refused_in_the_same_words(frontends: Frontends, line: str) -> None:
    pair = frontends.both(demo_and_archives, *shlex.split(line))
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (2, 2)
    assert pair.ours.stdout == ""
    assert pair.ours.stderr.startswith("usage: python -m headless_wheel_builder ")
    assert last_words(pair.ours) == last_words(pair.theirs)
    assert pair.ours.changes == ()


def last_words(run: Run) -> str:
    """Return the last line without the program's name."""
    return run.stderr.splitlines()[-1].partition(": ")[2]


@pytest.mark.parametrize("option", OPTIONS)
def test_every_abbreviation_means_the_same_or_is_ambiguous_the_same(
    frontends: Frontends, tmp_path: Path, option: str
) -> None:
    for length in range(len("--x"), len(option) + 1):
        argv = (option[:length], *OPTIONS[option], "--bogus")
        what = " ".join(argv)
        theirs, ours = frontends.theirs(*argv, root=tmp_path), frontends.ours(*argv, root=tmp_path)
        assert (what, ours.exit_code) == (what, theirs.exit_code)
        if theirs.exit_code:
            assert (what, last_words(ours)) == (what, last_words(theirs))


@pytest.mark.parametrize("prefix", ["--s", "--con", "--ve", "--v", "--c", "--config"])
def test_an_ambiguous_abbreviation_exits_with_two(frontends: Frontends, prefix: str) -> None:
    pair = frontends.both(projects.demo, prefix)
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (2, 2)
    assert last_words(pair.ours) == last_words(pair.theirs)


# --- failures --------------------------------------------------------------------------------------------------------


def failed_the_same(pair: Pair) -> None:
    """Check a failure: the same exit code, no output of ours on stdout, nothing written."""
    theirs, ours = pair.theirs, pair.ours
    assert theirs.exit_code == 1, theirs
    assert ours.exit_code == 1, ours
    assert ours.stdout == ""
    assert ours.changes == ()
    assert "Traceback" not in ours.stderr


def failed_in_the_same_words(pair: Pair) -> None:
    """Check that what `python -m build` says is part of what we say."""
    failed_the_same(pair)
    assert pair.theirs.errors[0] in pair.ours.stderr
    assert len(pair.ours.errors) == 1


GOOD = "requires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"

TABLES = {
    "broken TOML": "[build-system\n",
    "a value without a key": "[build-system]\nrequires = \n",
    "a byte order mark": b"\xef\xbb\xbf[build-system]\n",
    "a key twice": "[build-system]\nrequires = []\nrequires = []\n",
    "build-system is a string": "build-system = 'hatchling'\n",
    "build-system is an array": "[[build-system]]\nrequires = []\n",
    "no requires": "[build-system]\nbuild-backend = 'backend'\n",
    "nothing in build-system": "[build-system]\n",
    "requires is a string": "[build-system]\nrequires = 'hatchling'\n",
    "requires is a table": "[build-system]\nrequires = {}\n",
    "requires has a number": "[build-system]\nrequires = ['hatchling', 1]\n",
    "build-backend is an array": "[build-system]\nrequires = []\nbuild-backend = ['hatchling']\n",
    "build-backend is a number": "[build-system]\nrequires = []\nbuild-backend = 3\n",
    "backend-path is a string": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = '.'\n",
    "backend-path has a number": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = [1]\n",
    "an unknown key": f"[build-system]\n{GOOD}color = 'red'\n",
    "backend-path does not exist": "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['nope']\n",
    "backend-path is a file": "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['demo.py']\n",
    "a typing error in requires": "[build-system]\nrequire = []\nbuild-backend = 'backend'\n",
    "a typing error in build-backend": "[build-system]\nbuild_backend = 'backend'\n",
}


@pytest.mark.parametrize("flags", ["-n", "-w"])
@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES.keys())
def test_a_wrong_build_system_table_is_refused_in_the_same_words(
    frontends: Frontends, text: str | bytes, flags: str
) -> None:
    pair = frontends.both(partial(projects.table, text=text), flags)
    failed_in_the_same_words(pair)
    assert warnings_of(pair.ours) == warnings_of(pair.theirs)


def warnings_of(run: Run) -> list[str]:
    return [line for line in run.stderr.splitlines() if line.startswith("WARNING ")]


RAW_TABLES = {
    "backend-path leaves the tree": "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['..']\n",
    "backend-path is absolute": "[build-system]\nrequires = []\nbuild-backend = 'b'\nbackend-path = ['/tmp']\n",
    "not UTF-8": "[build-system] # ü\n".encode("latin-1"),
    "no PEP 508": "[build-system]\nrequires = ['a b c']\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
}


@pytest.mark.parametrize("text", RAW_TABLES.values(), ids=RAW_TABLES.keys())
def test_a_table_that_build_answers_with_a_traceback_fails_without_one(frontends: Frontends, text: str | bytes) -> None:
    failed_the_same(frontends.both(partial(projects.table, text=text), "-n"))


def test_a_misspelt_table_is_warned_of_in_the_same_words(frontends: Frontends) -> None:
    # The project is then an old one, whose backend is not here.
    pair = frontends.both(partial(projects.table, text=f"[build-sytem]\n{GOOD}"), "-n")
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (1, 1)
    assert warnings_of(pair.ours) == warnings_of(pair.theirs)
    assert len(warnings_of(pair.ours)) == 1


def test_a_project_with_a_misspelt_table_is_built_as_an_old_one_and_warned_of_once(frontends: Frontends) -> None:
    def make(root: Path) -> None:
        projects.write(projects.legacy(root), {"pyproject.toml": "[build_system]\nrequires = []\n"})

    pair = frontends.both(make, "-o", "{root}/out", theirs_also=ISOLATED)
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (0, 0), pair.ours.stderr
    assert warnings_of(pair.ours) == warnings_of(pair.theirs)


def surroundings(root: Path) -> None:
    """Fill a workspace with what cannot be built."""
    demo_and_archives(root)
    projects.write(root / "only-cfg", {"setup.cfg": "[metadata]\nname = demo\n"})
    projects.write(
        root, {"demo.zip": "", "demo-1.0.tgz": "", "file": "", "demo.tar.gz": "", "x-1.0.tar.gz": "", "x-1.whl": "zip?"}
    )
    projects.sdist(root, name="demo.tar.gz")
    projects.sdist(root, name="demo-x.y.tar.gz")
    projects.sdist(root, name="demo-1.0.TAR.GZ")
    projects.archive(root / "two-1.0.tar.gz", {"a/PKG-INFO": "", "b/PKG-INFO": ""})
    projects.archive(root / "none-1.0.tar.gz", {})
    projects.archive(root / "flat-1.0.tar.gz", {"PKG-INFO": ""})
    projects.archive(root / "bare-1.0.tar.gz", {"bare-1.0/setup.py": ""})
    projects.wheel(root, "two-1.0-py3-none-any.whl", infos=2)
    projects.wheel(root, "none-1.0-py3-none-any.whl", infos=0)
    projects.write(root / "full", {"file": ""})


SOURCES = r"""
nope
''
file
demo/demo.py
demo.zip
demo-1.0.tgz
nope-1.0.tar.gz
nope-1.0.whl
empty
only-cfg
demo.tar.gz
demo-x.y.tar.gz
demo-1.0.TAR.GZ
two-1.0.tar.gz
none-1.0.tar.gz
flat-1.0.tar.gz
bare-1.0.tar.gz
{root}/bare-1.0.tar.gz
--metadata two-1.0-py3-none-any.whl
--metadata none-1.0-py3-none-any.whl
--metadata ./none-1.0-py3-none-any.whl
--metadata nope
--metadata demo.zip
demo -o file
demo -o file/below
demo -w -o {root}/file/below/more
demo --config-json '{'
demo --config-json '[]'
demo --config-json 1
demo --config-json nonsense
nope --config-json '{'
"""


@pytest.mark.parametrize("flag", ["-nx", "-v"])
@command_lines(SOURCES)
def test_a_source_or_folder_that_cannot_be_used_is_refused_in_the_same_words(
    frontends: Frontends, line: str, flag: str
) -> None:
    pair = frontends.both(surroundings, *shlex.split(line), flag, cwd=".")
    if "-o" in line:
        # By then the backend has been asked for its requirements there, and has printed to stdout.
        assert pair.theirs.errors[0] in pair.ours.stderr
    else:
        failed_in_the_same_words(pair)


@command_lines("demo --env-dir file\ndemo --env-dir full\ndemo -w --env-dir {root}/full")
def test_an_environment_folder_that_cannot_be_used_is_refused_in_the_same_words(
    frontends: Frontends, line: str
) -> None:
    failed_in_the_same_words(frontends.both(surroundings, *shlex.split(line), cwd="."))


@command_lines(
    "--metadata x-1.whl\ndemo --dependency-constraints-txt nope\ndemo --dependency-constraints-txt demo\n"
    "-nx demo --report nope/report.json\n-nx demo --report file/report.json\n--env-dir file/below demo"
)
def test_a_file_that_build_answers_with_a_traceback_fails_without_one(frontends: Frontends, line: str) -> None:
    pair = frontends.both(surroundings, *shlex.split(line), cwd=".")
    failed_the_same(pair)


UNMET = {
    "one": '["does-not-exist-anywhere"]',
    "versions": '["packaging<1", "pyproject-hooks>=99,<100", "does-not-exist-anywhere==7"]',
    "an extra and a marker": "[\"requests[socks]>=99; python_version > '3'\", \"nope; python_version < '3'\"]",
    "by way of another": '["requests[use-chardet-on-py3]"]',
    "a URL": '["does-not-exist-anywhere @ https://example.invalid/x.whl"]',
}


@pytest.mark.parametrize("requires", UNMET.values(), ids=UNMET.keys())
@pytest.mark.parametrize("flags", ["-n", "-n -w", "-n -q -s"])
def test_unmet_requirements_are_listed_in_the_same_words(frontends: Frontends, requires: str, flags: str) -> None:
    pair = frontends.both(partial(projects.silent, requires=requires), *shlex.split(flags))
    failed_the_same(pair)
    assert f"checked against {sys.executable}" in pair.ours.stderr
    assert pair.theirs.stderr[pair.theirs.stderr.index("ERROR ") :].rstrip() in pair.ours.stderr


FAILURES = {
    "build_wheel raises": "def build_wheel(*args): raise RuntimeError('no luck')",
    "build_wheel exits": "def build_wheel(*args): sys.exit(7)",
    "build_wheel is killed": "def build_wheel(*args): os.kill(os.getpid(), 9)",
    "build_wheel leaves": "def build_wheel(*args): os._exit(3)",
    "build_sdist raises": "def build_sdist(*args): raise OSError('no luck')",
    "build_sdist is not there": "del build_sdist",
    "build_wheel is not there": "del build_wheel",
    "the import raises": "raise ValueError('no luck')",
    "the import exits": "sys.exit(3)",
}


@pytest.mark.parametrize("change", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("flags", ["-nx", "-nx -q", "-nx -qq", "--installer uv"])
def test_a_failing_backend_is_blamed_in_the_same_words(frontends: Frontends, change: str, flags: str) -> None:
    pair = frontends.both(partial(projects.silent, change=change), *shlex.split(flags))
    blamed_the_same(pair)


@pytest.mark.parametrize("hook", ["get_requires_for_build_sdist", "get_requires_for_build_wheel"])
def test_a_backend_that_fails_to_say_its_requirements_is_blamed_in_the_same_words(
    frontends: Frontends, hook: str
) -> None:
    blamed_the_same(frontends.both(partial(projects.silent, change=f"def {hook}(*args): raise ValueError"), "-n"))


@pytest.mark.parametrize("flags", ["--metadata -nx", "--metadata -nx -v", "--metadata --installer uv"])
def test_a_backend_that_fails_to_prepare_metadata_is_blamed_in_the_same_words(frontends: Frontends, flags: str) -> None:
    change = "def prepare_metadata_for_build_wheel(*args): raise ValueError('no luck')"
    pair = frontends.both(partial(projects.silent, change=change), *shlex.split(flags))
    blamed_the_same(pair)
    assert "no luck" in pair.ours.stderr


def blamed_the_same(pair: Pair) -> None:
    """Check a failure of the backend, whose own traceback is its own affair."""
    theirs, ours = pair.theirs, pair.ours
    assert (theirs.exit_code, ours.exit_code) == (1, 1), ours.stderr
    assert ours.stdout == ""
    assert ours.changes == ()
    assert theirs.errors[0] in ours.stderr
    assert "headless_wheel_builder/" not in ours.stderr.replace("{root}", ""), "our own code in a traceback"


@pytest.mark.parametrize("flags", ["-nx", "--installer uv", "-nx --metadata"])
def test_a_backend_that_is_not_available_is_named_in_the_same_words(frontends: Frontends, flags: str) -> None:
    text = "[build-system]\nrequires = []\nbuild-backend = 'nowhere.to:be_found'\n"
    blamed_the_same(frontends.both(partial(projects.table, text=text), *shlex.split(flags)))


@pytest.mark.parametrize(
    "flags", ["", "--env-dir {root}/env", "--env-dir {root}/env --sdist-extract-dir {root}/kept"], ids=str
)
def test_the_tip_after_a_failure_is_the_same(frontends: Frontends, flags: str) -> None:
    change = FAILURES["build_wheel raises"]
    pair = frontends.both(partial(projects.silent, change=change), *shlex.split(flags), theirs_also=ISOLATED)
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (1, 1)
    assert tips_of(pair.ours) == tips_of(pair.theirs)
    assert len(tips_of(pair.ours)) == 1


def tips_of(run: Run) -> list[str]:
    return [line for line in run.stderr.splitlines() if line.startswith("TIP ")]


def test_what_an_environment_folder_holds_is_kept_after_a_failure(frontends: Frontends) -> None:
    change = FAILURES["build_wheel raises"]
    pair = frontends.both(partial(projects.silent, change=change), "-w", "--env-dir", "env", theirs_also=ISOLATED)
    assert "demo/env/pyvenv.cfg" in pair.theirs.changes
    assert "demo/env/pyvenv.cfg" in pair.ours.changes


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_requirement_that_cannot_be_installed_fails_with_what_the_installer_said(
    frontends: Frontends, installer: str
) -> None:
    make = partial(projects.silent, requires='["packaging==1999.1"]')
    pair = frontends.both(make, "-w", "--installer", installer)
    failed_the_same(pair)
    assert "packaging==1999.1" in pair.ours.stderr
    assert "ERROR The build requirements could not be installed" in pair.ours.stderr
    said = [line.removeprefix("< ") for line in pair.theirs.stderr.splitlines() if line.startswith("< ")]
    assert said[-1] in pair.ours.stderr


def test_colours_mark_an_error_the_same(frontends: Frontends) -> None:
    pair = frontends.both(surroundings, "nope", cwd=".", env={"FORCE_COLOR": "1"})
    assert (pair.ours.exit_code, pair.theirs.exit_code) == (1, 1)
    assert pair.theirs.stderr.splitlines()[-1] in pair.ours.stderr
    assert "\33[91mERROR\33[0m Source nope is not a directory" in pair.ours.stderr

"""What docs/differences.md lists and no other test shows: what `python -m build` does, and what we do instead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Pair, Run, environment

ISOLATED = ("--installer", "uv")
SHADOW = "raise SystemExit('shadowed')"


def built(run: Run) -> bool:
    return run.exit_code == 0 and run.stdout.splitlines()[-1].startswith("Successfully built ")


def printed(run: Run, key: str) -> str:
    """Return what the backend printed as `key=...`."""
    (line,) = [line for line in run.stdout.splitlines() if line.startswith(f"{key}=")]
    return line.partition("=")[2]


def saying(*expressions: str) -> str:
    """Return a change of the backend: build_wheel first prints these expressions with their values."""
    shown = "; ".join(
        f"print({name!r} + '=' + str({value}))" for name, _, value in (e.partition("=") for e in expressions)
    )
    body = f"{shown}; sys.stdout.flush(); return build_wheel(*args)"
    return f"def build_wheel(*args, build_wheel=build_wheel):\n    {body}\n"


# --- the current folder -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["build.py", "packaging/__init__.py", "tomllib.py", "uv.py", "argparse.py"])
def test_a_file_in_the_current_folder_is_not_imported_by_us(frontends: Frontends, name: str) -> None:
    def make(root: Path) -> None:
        projects.write(projects.silent(root), {name: SHADOW})

    run = frontends.both(make, "-w").ours
    assert built(run), run.stderr


def test_a_file_called_build_in_the_current_folder_is_run_instead_of_build(frontends: Frontends) -> None:
    pair = frontends.both(lambda root: projects.write(projects.silent(root), {"build.py": ""}), "-nx", "-w")
    assert (pair.theirs.exit_code, pair.theirs.artifacts) == (0, {})
    assert built(pair.ours)


def test_a_folder_called_pip_in_the_current_folder_is_not_run_by_us(frontends: Frontends) -> None:
    def make(root: Path) -> None:
        projects.write(
            projects.silent(root, requires='["packaging"]'), {"pip/__init__.py": "", "pip/__main__.py": SHADOW}
        )

    pair = frontends.both(make, "-w", "--installer", "pip")
    assert pair.theirs.exit_code == 1
    assert built(pair.ours), pair.ours.stderr


# --- installers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [{"PIP_USER": "1"}, {"PIP_TARGET": "{tmp}/target"}, {"PIP_DRY_RUN": "1"}, {"PIP_REQUIRE_VIRTUALENV": "1"}, {}],
    ids=" ".join,
)
def test_settings_of_pip_that_send_packages_elsewhere_do_not_count(
    frontends: Frontends, tmp_path: Path, variables: dict[str, str]
) -> None:
    env = {name: value.replace("{tmp}", str(tmp_path)) for name, value in variables.items()}
    folder = projects.silent(tmp_path / "w", "import packaging", requires='["packaging"]')
    run = frontends.ours("-w", "--installer", "pip", root=folder, env=env)
    assert built(run), run.stderr
    assert not (tmp_path / "target").exists()


def test_settings_of_pip_that_say_where_packages_are_count(frontends: Frontends, tmp_path: Path) -> None:
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    make = partial(projects.silent, requires='["packaging"]')
    pair = frontends.both(make, "-w", "--installer", "pip", env=env)
    assert (pair.theirs.exit_code, pair.ours.exit_code) == (1, 1)
    assert built(frontends.ours("-w", root=make(tmp_path / "again"), env=env)), "uv does not read them"


@pytest.mark.parametrize(
    ("name", "text"), [("uv.toml", "no-index = true\n"), ("pyproject.toml", "\n[tool.uv]\nno-index = true\n")]
)
def test_settings_of_uv_in_the_current_folder_do_not_count(frontends: Frontends, name: str, text: str) -> None:
    def make(root: Path) -> None:
        file = projects.silent(root, requires='["packaging"]') / name
        file.write_text((file.read_text() if file.exists() else "") + text)

    pair = frontends.both(make, "-w", theirs_also=ISOLATED)
    assert pair.theirs.exit_code == 1
    assert built(pair.ours), pair.ours.stderr


def test_a_constraints_file_may_name_another_one_beside_it(frontends: Frontends) -> None:
    def make(root: Path) -> None:
        folder = projects.silent(root, requires='["packaging"]')
        projects.write(folder, {"c.txt": "-c d.txt\n", "d.txt": "packaging==24.0\n"})

    pair = frontends.both(make, "-w", "--dependency-constraints-txt", "c.txt", theirs_also=ISOLATED)
    assert pair.theirs.exit_code == 1
    assert "packaging==24.0" in pair.ours.stderr
    assert built(pair.ours)


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_hooks_see_the_build_environment_and_not_the_callers(frontends: Frontends) -> None:
    change = saying(
        "active=os.environ.get('VIRTUAL_ENV')", "home=os.environ.get('PYTHONHOME')", "user=sys.flags.no_user_site"
    )
    env = {"VIRTUAL_ENV": "/somewhere/else", "PYTHONUSERBASE": "/somewhere"}
    pair = frontends.both(partial(projects.silent, change=change), "-w", env=env, theirs_also=ISOLATED)
    assert printed(pair.theirs, "active") == "/somewhere/else"
    assert printed(pair.ours, "active").startswith(os.environ["HWB_CACHE_DIR"])
    assert printed(pair.ours, "home") == "None"
    assert (printed(pair.theirs, "user"), printed(pair.ours, "user")) == ("0", "1")


def test_without_isolation_hooks_see_the_callers_environment(frontends: Frontends) -> None:
    change = saying("active=os.environ.get('VIRTUAL_ENV')", "path=os.environ.get('PYTHONPATH')")
    env = {"VIRTUAL_ENV": "/somewhere/else", "PYTHONPATH": "/nowhere"}
    pair = frontends.both(partial(projects.silent, change=change), "-nw", env=env)
    assert pair.ours.stdout == pair.theirs.stdout
    assert printed(pair.ours, "path") == "/nowhere"


def test_a_hook_leads_a_session_and_leaves_nothing_running(frontends: Frontends) -> None:
    change = """
        def build_wheel(*args, build_wheel=build_wheel):
            import subprocess
            print("leads=" + str(os.getsid(0) == os.getpid()), flush=True)
            subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return build_wheel(*args)
        """
    pair = frontends.both(partial(projects.silent, change=change), "-nx", "-w")
    assert (printed(pair.theirs, "leads"), len(pair.theirs.survivors)) == ("False", 1)
    assert (printed(pair.ours, "leads"), len(pair.ours.survivors)) == ("True", 0)


@pytest.mark.parametrize("which", ["theirs", "ours"])
def test_what_is_on_stdin_is_not_for_hooks_of_ours(tmp_path: Path, which: str) -> None:
    folder = projects.silent(tmp_path, saying("stdin=sys.stdin.read()"))
    module = {"theirs": "build", "ours": "headless_wheel_builder"}[which]
    argv = [sys.executable, "-m", module, "-nx", "-w"]
    ran = subprocess.run(
        argv, cwd=folder, env=environment(), input="answer", capture_output=True, text=True, check=True
    )
    assert f"stdin={'answer' if which == 'theirs' else ''}\n" in ran.stdout


def test_a_hook_is_given_an_empty_folder_of_its_own_outside_the_source_tree(frontends: Frontends) -> None:
    change = saying("folder=args[0]", "content=os.listdir(args[0])")

    def make(root: Path) -> None:
        projects.write(projects.silent(root, change), {"dist/demo-0.9.tar.gz": "an earlier one"})

    pair = frontends.both(make, "-nx", "-w")
    assert printed(pair.theirs, "folder") == "{root}/demo/dist"
    assert "/.hwb-stage-" in printed(pair.ours, "folder")
    assert not printed(pair.ours, "folder").startswith("{root}/demo/")
    assert printed(pair.ours, "content") == "[]"
    assert pair.ours.changes == pair.theirs.changes


@pytest.mark.parametrize("make", [projects.flit, projects.hatchling])
def test_what_one_hook_made_does_not_get_into_what_the_next_one_makes(
    frontends: Frontends, make: Callable[[Path], Path]
) -> None:
    pair = frontends.both(make, "-w", "-s", "-o", "demo", theirs_also=ISOLATED)
    assert built(pair.ours), pair.ours.stderr
    # flit packs the very file that it is writing.
    theirs, ours = ("\n".join(chain(*run.contents.values())) for run in (pair.theirs, pair.ours))
    assert ".whl" in theirs
    assert ".whl" not in ours
    assert "hwb-stage" not in ours


def test_constraints_may_come_from_a_pipe(frontends: Frontends) -> None:
    def make(root: Path) -> None:
        projects.flit(root)
        os.mkfifo(root / "pipe")
        threading.Thread(target=(root / "pipe").write_text, args=("flit_core<3.12",), daemon=True).start()

    root = frontends.folder / "root"
    root.mkdir()
    make(root)
    run = frontends.ours("-w", "--dependency-constraints-txt", "../pipe", root=root, cwd=root / "demo")
    assert built(run), run.stderr
    assert "flit-core==3.11" in run.stderr


@pytest.mark.parametrize("change", ["", "del prepare_metadata_for_build_wheel"], ids=["prepared", "built"])
def test_config_settings_reach_all_hooks_that_metadata_takes(frontends: Frontends, change: str) -> None:
    pair = frontends.both(partial(projects.demo, change=change), "--metadata", "-n", "-v", "-C", "a=b")
    lines = [line for line in pair.ours.stderr.splitlines() if line.startswith("< ") and "{" in line]
    assert len(lines) == 2
    assert all(line.endswith('{"a": "b"}') for line in lines)
    assert any(line.endswith(" null") for line in pair.theirs.stderr.splitlines())


# --- artifacts --------------------------------------------------------------------------------------------------------


def test_only_the_artifact_that_was_named_is_published(frontends: Frontends) -> None:
    change = """
        def build_wheel(folder, *args, build_wheel=build_wheel):
            Path(folder, "extra.txt").write_text("")
            return build_wheel(folder, *args)
        """
    pair = frontends.both(partial(projects.silent, change=change), "-nx", "-w")
    assert "demo/dist/extra.txt" in pair.theirs.changes
    assert "demo/dist/extra.txt" not in pair.ours.changes
    assert "WARNING The backend also wrote extra.txt" in pair.ours.stderr
    assert built(pair.ours)


def test_a_name_that_is_not_normalised_is_a_warning(frontends: Frontends) -> None:
    pair = frontends.both(partial(projects.silent, change='NAME = "De.Mo"'), "-nx")
    assert "WARNING" not in pair.theirs.stderr
    for name in ("de_mo-1.0.tar.gz", "de_mo-1.0-"):
        assert f"it should be {name}" in pair.ours.stderr or f"it should start with {name}" in pair.ours.stderr
    assert pair.ours.stdout == pair.theirs.stdout


def test_a_link_in_the_place_of_an_artifact_is_replaced(frontends: Frontends) -> None:
    wheel = "demo-1.0-py3-none-any.whl"

    def make(root: Path) -> None:
        projects.write(projects.silent(root), {"dist/other": "keep"})
        (root / "demo" / "dist" / wheel).symlink_to("other")

    pair = frontends.both(make, "-nx", "-w")
    assert "demo/dist/other" in pair.theirs.changes
    assert "demo/dist/other" not in pair.ours.changes
    assert f"demo/dist/{wheel}" in pair.ours.artifacts


# --- output -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "2>/dev/full"])
def test_a_stream_that_is_closed_or_full_does_not_end_the_build(tmp_path: Path, redirection: str) -> None:
    for which, module in (("theirs", "build"), ("ours", "headless_wheel_builder")):
        folder = projects.silent(tmp_path / which)
        ran = subprocess.run(
            ["sh", "-c", f'exec "$0" -m {module} -nx -w {redirection}', sys.executable],
            cwd=folder,
            env=environment(),
            capture_output=True,
            check=False,
        )
        # A stream that cannot be flushed at the end costs 120 on some Pythons.
        assert ran.returncode in ({1, 120} if which == "theirs" else {0})
        assert (folder / "dist" / "demo-1.0-py3-none-any.whl").exists() == (which == "ours")


def test_metadata_has_sorted_keys_and_can_be_written_in_ascii(frontends: Frontends) -> None:
    pair = frontends.both(projects.silent, "--metadata", "-nx", env={"PYTHONIOENCODING": "ascii"})
    assert pair.theirs.exit_code == 1
    assert pair.ours.exit_code == 0, pair.ours.stderr
    metadata = json.loads(pair.ours.stdout)
    assert list(metadata) == sorted(metadata)
    assert metadata["summary"] == "a démo"


def test_unknown_properties_are_sorted(frontends: Frontends) -> None:
    text = f"[build-system]\nrequires = []\n{''.join(f'{letter} = 1' + chr(10) for letter in 'gfedcba')}"
    run = frontends.both(partial(projects.table, text=text), "-n").ours
    assert "Unknown properties: a, b, c, d, e, f, g" in run.stderr


def test_warnings_that_python_turns_into_errors_end_no_build(frontends: Frontends) -> None:
    pair = frontends.both(projects.silent, "-nx", "-w", "-C", "a", env={"PYTHONWARNINGS": "error"})
    assert (pair.theirs.exit_code, "Traceback" in pair.theirs.stderr) == (1, True)
    assert built(pair.ours), pair.ours.stderr
    assert "WARNING Config setting 'a'" in pair.ours.stderr


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("sys.exit(7)", "It exited with status 7."),
        (f"os.kill(os.getpid(), {int(signal.SIGSEGV)})", "killed by SIGSEGV"),
    ],
)
def test_how_a_hook_ended_is_said(frontends: Frontends, statement: str, words: str) -> None:
    pair: Pair = frontends.both(partial(projects.silent, change=f"def build_wheel(*args): {statement}"), "-nx", "-w")
    assert (pair.theirs.exit_code, pair.ours.exit_code) == (1, 1)
    assert words not in pair.theirs.stderr
    assert words in pair.ours.stderr


def test_a_tip_without_isolation_does_not_name_an_option_that_is_not_allowed(frontends: Frontends) -> None:
    pair = frontends.both(partial(projects.silent, change="def build_wheel(*args): sys.exit(1)"), "-nx", "-w")
    assert "--env-dir" in pair.theirs.stderr
    assert "TIP" not in pair.ours.stderr


def test_a_tip_after_metadata_does_not_speak_of_sources_that_are_never_extracted(frontends: Frontends) -> None:
    change = "def prepare_metadata_for_build_wheel(*args): sys.exit(1)"
    run = frontends.both(partial(projects.silent, change=change), "--metadata", "-n").ours
    assert run.exit_code == 1
    assert "--sdist-extract-dir" not in run.stderr

"""Ctrl-C, SIGTERM and SIGHUP at any point: the promised exit code, at most one line, and nothing is left."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import projects
import pytest
from frontends import Frontends, Run, Running, left_nothing

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
SIGNALS = pytest.mark.parametrize("number", EXIT_CODES, ids=[number.name for number in EXIT_CODES])
WHOM = pytest.mark.parametrize("group", [False, True], ids=["the frontend alone", "the whole process group"])
# What a frontend may take to end a build whose processes do as they are told.
PROMPT_SECONDS = 5.0
# And one whose processes ignore SIGTERM.
STUBBORN_SECONDS = 20.0

REACHED = 'open({file!r}, "w").close()\n'
HANG = """
import subprocess, time
stubborn = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)]"
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
subprocess.Popen([sys.executable, "-c", f"{stubborn}; open({stubborn_file!r}, 'w').close(); time.sleep(600)"])
while not os.path.exists({stubborn_file!r}):
    time.sleep(0.01)
"""


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())


def hanging(root: Path, hook: str, *before: str) -> Path:
    """Make a project whose hook says that it was reached and then hangs, with a child and a stubborn one."""
    reached, stubborn = root.parent / "reached", root.parent / "stubborn"
    children = HANG.replace("{stubborn_file!r}", repr(str(stubborn)))
    body = indented("\n".join([*before, children, REACHED.format(file=str(reached)), "time.sleep(600)"]))
    projects.silent(root, f"def {hook}(folder=None, *args):\n{body}")
    return reached


def slow_requirement(root: Path) -> Path:
    """Make a project with a requirement that is never done with being built."""
    reached = root.parent / "reached"
    change = f"def build_wheel(*args):\n    import time\n    {REACHED.format(file=str(reached))}    time.sleep(600)\n"
    slow = projects.sdist(root.parent / "slow", change=change)
    projects.silent(root, requires=f'["demo @ {slow.as_uri()}"]')
    return reached


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a workspace with an artifact of an earlier build."""
    return projects.write(tmp_path / "w", {"demo/dist/demo-0.9.tar.gz": "an earlier one"})


def interrupt(running: Running, number: signal.Signals, *, group: bool, seconds: float) -> Run:
    """Send a signal, and check what the end of the build looks like."""
    begin = time.monotonic()
    running.signal(number, group=group)
    run = running.finish(seconds + 30)
    took = time.monotonic() - begin
    assert run.exit_code == EXIT_CODES[number], run
    assert "Traceback" not in run.stdout + run.stderr, run.stderr
    assert "KeyboardInterrupt" not in run.stderr
    assert run.stdout == ""
    assert len(said(run)) <= 1, run.stderr
    assert run.artifacts == {}
    assert run.changes == ()
    left_nothing(run)
    assert took < seconds
    return run


def said(run: Run) -> list[str]:
    """Return what was said beside the steps."""
    return [line for line in run.stderr.splitlines() if line.strip() and not line.startswith(("* ", "  "))]


HOOKS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "while asked for requirements": ("get_requires_for_build_sdist", (), ""),
    "while building an sdist": ("build_sdist", ("open(folder + '/half.tar.gz', 'w').write('half')",), ""),
    "while building a wheel": ("build_wheel", ("open(folder + '/half.whl', 'w').write('half')",), "-w"),
    "after an sdist was built": ("build_wheel", (), ""),
    "while building without isolation": ("build_wheel", (), "-nx"),
    "while preparing metadata": ("prepare_metadata_for_build_wheel", (), "--metadata"),
    "while building quietly": ("build_wheel", (), "-qq"),
}


@SIGNALS
@WHOM
@pytest.mark.parametrize(("hook", "before", "flag"), HOOKS.values(), ids=HOOKS.keys())
def test_a_hook_and_the_children_it_started_end_with_the_build(  # noqa: PLR0917
    frontends: Frontends,
    root: Path,
    hook: str,
    before: tuple[str, ...],
    flag: str,
    number: signal.Signals,
    group: bool,
) -> None:
    reached = hanging(root, hook, *before)
    running = frontends.start("ours", *([flag] if flag else []), root=root, cwd=root / "demo")
    running.wait_for(reached)
    interrupt(running, number, group=group, seconds=STUBBORN_SECONDS)


@SIGNALS
@WHOM
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_installation_ends_with_the_build(
    frontends: Frontends, root: Path, installer: str, number: signal.Signals, group: bool
) -> None:
    reached = slow_requirement(root)
    running = frontends.start("ours", "demo", "--installer", installer, root=root)
    running.wait_for(reached)
    interrupt(running, number, group=group, seconds=STUBBORN_SECONDS)


@SIGNALS
@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("after", [0.0, 0.03, 0.08, 0.15, 0.3])
def test_nothing_is_left_whenever_the_signal_comes(
    frontends: Frontends, root: Path, installer: str, after: float, number: signal.Signals
) -> None:
    # The build hangs only at its end, so that the signal always comes before that.
    hanging(root, "build_wheel")
    (root / "demo" / "pyproject.toml").write_text(projects.TABLE.format(requires='["packaging"]'))
    running = frontends.start("ours", "demo", "--installer", installer, root=root)
    running.wait_for_step()
    time.sleep(after)
    interrupt(running, number, group=True, seconds=STUBBORN_SECONDS)


@SIGNALS
def test_an_interpreter_that_is_asked_who_it_is_ends_with_the_build(
    frontends: Frontends, root: Path, number: signal.Signals
) -> None:
    projects.silent(root)
    reached = root.parent / "reached"
    projects.write(root, {"python3": f"#!/bin/sh\ntouch {reached}\nsleep 600\n"})
    (root / "python3").chmod(0o755)
    running = frontends.start("ours", "demo", "--python", str(root / "python3"), root=root)
    running.wait_for(reached)
    interrupt(running, number, group=False, seconds=PROMPT_SECONDS)


def test_a_second_ctrl_c_ends_a_stubborn_build_at_once(frontends: Frontends, root: Path) -> None:
    reached = hanging(root, "build_wheel", "import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    running = frontends.start("ours", "demo", "-w", root=root)
    running.wait_for(reached)
    running.signal(signal.SIGINT, group=False)
    time.sleep(0.3)
    interrupt(running, signal.SIGINT, group=False, seconds=PROMPT_SECONDS)


@pytest.mark.parametrize("flags", [("--env-dir", "../env"), ("--sdist-extract-dir", "../kept")], ids=" ".join)
def test_a_folder_that_was_asked_to_be_kept_is_all_that_is_left(
    frontends: Frontends, root: Path, flags: tuple[str, ...]
) -> None:
    reached = hanging(root, "build_wheel")
    running = frontends.start("ours", *flags, root=root, cwd=root / "demo")
    running.wait_for(reached)
    running.signal(signal.SIGINT, group=False)
    run = running.finish(STUBBORN_SECONDS)
    left_nothing(run)
    kept = Path(flags[1]).name
    assert run.exit_code == 130
    assert {path.split("/")[0] for path in run.changes} <= {kept}

"""The builds that are ended: of projects whose backends leave behind all that they can."""

from __future__ import annotations

import dataclasses
import functools
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import projects
from containers import IMAGE, PYTHON

# Starts a child, and a daemon as one is made by the book: in a session of its own, without its parent.
DAEMON = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
# The same with streams that are nobody else's: some frontends wait until the last who has theirs is gone.
LITTER, CLOSED_LITTER = (
    f"""\
import subprocess, sys, time
subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(600)"]{streams})
subprocess.run([sys.executable, "-ISc", {DAEMON!r}], check=True{streams})
time.sleep(0.1)
"""
    for streams in ("", ", stdin=-3, stdout=-3, stderr=-3")
)
HOOKS = """
def littering(hook):
    def littered(*args):
{litter}
        return hook(*args)
    return littered

build_sdist, build_wheel = littering(build_sdist), littering(build_wheel)
"""


@dataclasses.dataclass(frozen=True)
class Build:
    """A command line in a workspace.

    :param make: fills the workspace
    :param argv: its arguments
    :param names: how the names of all that it publishes begin
    :param next_argv: those of the build that comes after one that makes a new environment each time; empty for the same
    :param environ: variables that it gets besides
    """

    name: str
    make: Callable[[Path], object]
    argv: tuple[str, ...]
    names: tuple[str, ...] = ("demo-1.0",)
    next_argv: tuple[str, ...] = ()
    environ: Mapping[str, str] = dataclasses.field(default_factory=dict)


def in_tree(root: Path, litter: str = LITTER) -> None:
    """Make a project with its backend in its tree."""
    projects.silent(root, HOOKS.format(litter=textwrap.indent(litter, " " * 8)))


def installed(root: Path, litter: str = LITTER) -> None:
    """Make a project of setuptools."""
    folder = projects.setuptools(root)
    projects.write(folder, {"setup.py": f"import setuptools\n{litter}setuptools.setup()\n"})


def both(root: Path) -> None:
    """Make two projects, one of each kind."""
    installed(root)
    (root / "demo").rename(root / "other")
    pyproject = root / "other" / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"demo"', '"other"\npy-modules = []'.partition("\n")[0]))
    in_tree(root)


BUILDS = (
    Build("in-tree backend", in_tree, ("demo",)),
    Build("installed backend", installed, ("demo",)),
    Build("installed backend, wheel only", installed, ("demo", "-w", "-q")),
    Build("new environment by uv", installed, ("demo", "--fresh-env"), next_argv=("demo",)),
    Build("new environment by pip", installed, ("demo", "--fresh-env", "--installer", "pip"), next_argv=("demo",)),
    Build("no isolation", in_tree, ("demo", "-nx")),
    # A relative folder keeps hooks from having a host.
    Build("an interpreter for each hook", in_tree, ("demo", "-nx"), environ={"PYTHONPATH": "nowhere"}),
    Build(
        "many targets",
        both,
        ("demo", "other", "--python", "3", "-s", "-w", "-o", "dist", "--jobs", "2"),
        names=("demo-1.0", "other-1.0"),
    ),
)
CONTAINER = Build("container", in_tree, ("demo", "-w", "--isolation", "docker", "--image", IMAGE, "--python", PYTHON))
# Those that others can do too.
COMMON = tuple(
    Build(name, functools.partial(make, litter=CLOSED_LITTER), argv)
    for name, make, argv in (
        ("in-tree backend", in_tree, ("demo",)),
        ("installed backend", installed, ("demo",)),
        ("no isolation", in_tree, ("demo", "-nx")),
    )
)

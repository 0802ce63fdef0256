"""The builds that share one store: what each is of, how it ends, and what it has to give."""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import local_index
import projects
from integration.soak.started import Started

BACKEND = "tinybackend"
HELPERS = 3
FRONTEND = (sys.executable, "-m", "headless_wheel_builder")
GATHERED = str(Path(__file__).with_name("gathered.py"))
TIDYING = str(Path(__file__).with_name("tidying.py"))
PYPROJECT = '[build-system]\nrequires = {requires}\nbuild-backend = "tinybackend"\n'
# Every wheel says what in its environment did not belong there when its hook began. The project says what happens then.
BEHAVIOUR = """
import importlib, os, time

def write_wheel(path, files, plain=write_wheel):
    plain(path, {**files, "seen.py": SEEN.encode()})

def _behaving(hook):
    def behaved(*args, **settings):
        globals()["SEEN"] = " ".join(sorted(one for one in os.listdir(os.path.dirname(__file__)) if "stain" in one))
        for name in Path("needs").read_text().split():
            importlib.import_module(name)
        exec(Path("does").read_text(), {"__file__": __file__})
        return hook(*args, **settings)
    return behaved

build_sdist, build_wheel = _behaving(build_sdist), _behaving(build_wheel)
"""
# A new file, and another text in one that was there; neither through a link into a cache of the installer.
STAIN = """
import os, pathlib, time
here = pathlib.Path(__file__)
for name, text in (("stain.py", ""), (here.name, here.read_text() + "\\nMADE_BY = 'stained'\\n")):
    draft = here.with_name(f"{os.getpid()}.draft")
    draft.write_text(text)
    draft.replace(here.with_name(name))
time.sleep(0.2)
"""
OTHERS: Final = tuple(f"other{number}" for number in range(1, 1 << HELPERS))


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of builds.

    :param argv: `{other}` stands for any of the projects that need something else than `demo`,
        `{python}` for any other interpreter
    :param codes: the exit codes that it may have
    :param end: ends it while it runs
    :param publishes: whether it has to publish all that it is to build
    :param says: what has to be printed
    """

    name: str
    argv: tuple[str, ...]
    codes: frozenset[int] = frozenset({0})
    end: Callable[[Started], None] | None = None
    publishes: bool = True
    says: str = ""


def _killed(started: Started) -> None:
    started.signal(signal.SIGKILL)


def _interrupted(started: Started) -> None:
    started.signal(signal.SIGINT, group=True)


# What is said of an environment in which a hook, or who removes it, has changed something.
CHANGED = "was changed while it was in use"
UNDISTURBED = Kind("same requirements, uv", (*FRONTEND, "demo"))
OTHER = Kind("different requirements, uv", (*FRONTEND, "{other}"))
CLEAN_UP = Kind("clean-up of all that is not in use", (sys.executable, TIDYING), publishes=False)
PIP = ("--installer", "pip")
KINDS = (
    UNDISTURBED,
    Kind("same requirements, pip", (*FRONTEND, "demo", *PIP)),
    OTHER,
    Kind("different requirements, pip", (*FRONTEND, "{other}", *PIP)),
    Kind("another interpreter", (*FRONTEND, "demo", "--python", "{python}")),
    Kind("new environment, uv", (*FRONTEND, "{other}", "--fresh-env")),
    Kind("new environment, pip", (*FRONTEND, "demo", "--fresh-env", *PIP)),
    Kind("two projects at once", (*FRONTEND, "demo", "{other}", "--python", "3", "-s", "-w", "--jobs", "2")),
    Kind("three coroutines of one process", (sys.executable, GATHERED, "demo", "{other}", "demo")),
    Kind("a hook changes its environment", (*FRONTEND, "staining"), publishes=False, says=CHANGED),
    Kind("a hook fails", (*FRONTEND, "failing"), frozenset({1}), publishes=False, says="on purpose"),
    Kind(
        "a requirement that nobody has", (*FRONTEND, "wanting"), frozenset({1}), publishes=False, says="nobody-has-it"
    ),
    Kind("SIGKILL, same requirements", (*FRONTEND, "demo"), frozenset({0, 137}), _killed, publishes=False),
    Kind("SIGKILL, different requirements", (*FRONTEND, "{other}"), frozenset({0, 137}), _killed, publishes=False),
    Kind("SIGINT", (*FRONTEND, "{other}"), frozenset({0, 130}), _interrupted, publishes=False),
    CLEAN_UP,
)


def make_projects(folder: Path) -> Mapping[str, Path]:
    """Make the projects that are built, and return them by their names."""
    made = {"demo": _project(folder, "demo", ""), "staining": _project(folder, "staining", STAIN)}
    made["failing"] = _project(folder, "failing", "raise RuntimeError('on purpose')")
    made["wanting"] = _project(folder, "wanting", "", "nobody-has-it")
    for number, name in enumerate(OTHERS, 1):
        needed = [f"helper{bit}" for bit in range(HELPERS) if number & 1 << bit]
        made[name] = _project(folder, name, "", *needed)
    return made


def _project(folder: Path, name: str, does: str, *needed: str) -> Path:
    files = {
        "pyproject.toml": PYPROJECT.format(requires=[BACKEND, *needed]),
        "name": name,
        "needs": " ".join(needed),
        "does": does,
    }
    return projects.write(folder / name, files)


def publish(index: local_index.Index, version: str) -> None:
    """Have one more version of the backend."""
    index.publish(BACKEND, version, local_index.backend(version, BEHAVIOUR))


def interpreters() -> list[str]:
    """Return interpreters of the machine that are not the one which runs this, if there are any."""
    found = (path for minor in range(9, 15) for path in Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))
    own = f"/3.{sys.version_info[1]}."
    return [str(path) for path in found if own not in str(path)] or [sys.executable]

"""Who is measured: our command line in four ways, its peers, and the hooks alone; on this machine or in a container."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from integration.benchmark.cibuildwheel import FRONTENDS

Kind: TypeAlias = Literal["default", "wheel", "sdist", "targets", "container", "container-targets", "jobs"]
Flags: TypeAlias = Mapping[Kind, tuple[str, ...]]

CONTAINER: Kind = "container"
HERE: tuple[Kind, ...] = ("default", "wheel", "sdist")
# A wheel for each interpreter that is found, here and in an image.
TARGETS: Kind = "targets"
CONTAINER_TARGETS: Kind = "container-targets"
IN_CONTAINERS: tuple[Kind, ...] = (CONTAINER, CONTAINER_TARGETS)
KINDS: tuple[Kind, ...] = (*HERE, TARGETS, *IN_CONTAINERS)
# Only if asked for: many builds, by workers of a scheduler.
JOBS: Kind = "jobs"
ARTIFACTS: Mapping[Kind, tuple[str, ...]] = {
    "default": ("*.tar.gz", "*.whl"),
    "wheel": ("*.whl",),
    "sdist": ("*.tar.gz",),
    "targets": ("*.tar.gz", "*.whl"),
    "container": ("*.whl",),
    "container-targets": ("*.whl",),
}
SHORT: Flags = {"default": (), "wheel": ("-w",), "sdist": ("-s",)}
LONG: Flags = {"default": (), "wheel": ("--wheel",), "sdist": ("--sdist",)}
BARE: Flags = {kind: (kind,) for kind in HERE}
# The interpreter in the container, as we name it, as cibuildwheel does, and where ours has its environment.
TARGET, IDENTIFIER, PYTHON = "3.11", "cp311-manylinux_x86_64", "/hwb/env/bin/python"
IN_CONTAINER: Flags = {"container": ("-w", "--isolation", "docker", "--image", "{image}", "--python", TARGET)}
ALL: tuple[str, ...] = ("--python", "all")
FOR_ALL: Flags = {"targets": ALL, "container-targets": ("--isolation", "docker", "--image", "{image}", *ALL)}
HOOKS = str(Path(__file__).with_name("hooks.py"))
CONTAINED = str(Path(__file__).with_name("contained.py"))


@dataclasses.dataclass(frozen=True)
class Contender:
    """A command line, run in the source tree.

    :param command: its arguments, with fields in braces for what differs from run to run
    :param flags: what is added for each kind that it can build
    :param store: whether it finds our environments of earlier runs
    :param seconds: whether it says itself how long it took
    :param frontend: what cibuildwheel builds with; empty for everything else
    """

    name: str
    title: str
    command: tuple[str, ...]
    flags: Flags = dataclasses.field(default_factory=lambda: SHORT)
    store: Literal["warm", "empty"] = "warm"
    seconds: Literal["measured", "reported"] = "measured"
    frontend: str = ""

    def argv(self, kind: Kind, fields: Mapping[str, str]) -> list[str]:
        """Return the command line for one run."""
        return [argument.format_map(fields) for argument in (*self.command, *self.flags[kind])]


MODULE = ("{python}", "-m")
HWB = (*MODULE, "headless_wheel_builder", "-o", "{out}")
BUILD = (*MODULE, "build", "-o", "{out}")
OURS = (
    Contender("first", "hwb, first run", HWB, {**SHORT, **IN_CONTAINER}, store="empty"),
    Contender("later", "hwb, later runs", HWB, {**SHORT, **IN_CONTAINER, **FOR_ALL}),
    Contender("one-by-one", "hwb --jobs 1", (*HWB, "--jobs", "1"), FOR_ALL),
    Contender("fresh-env", "hwb --fresh-env", (*HWB, "--fresh-env")),
    Contender("no-isolation", "hwb -n", (*HWB, "-n")),
)
PEERS = (
    Contender("uv", "uv build", ("{uv}", "build", "--python", "{python}", "--out-dir", "{out}"), LONG),
    Contender("build", "python -m build", BUILD),
    Contender("build-uv", "python -m build --installer uv", (*BUILD, "--installer", "uv")),
    Contender("pip", "pip wheel (no sdist)", (*MODULE, "pip", "wheel", "--no-deps", "-w", "{out}", "."), {"wheel": ()}),
)
CIBUILDWHEEL = tuple(
    Contender(
        f"cibuildwheel-{frontend}",
        f"cibuildwheel, {frontend}",
        (*MODULE, "cibuildwheel", "--output-dir", "{out}", "."),
        {"container": ("--only", IDENTIFIER), "container-targets": ("--platform", "linux")},
        frontend=frontend,
    )
    for frontend in FRONTENDS
)
ALONE = (
    Contender(
        "hooks",
        "hooks only",
        ("{python}", HOOKS, "{backend}", "{ready}", "{out}", "{report}"),
        BARE,
        seconds="reported",
    ),
    Contender(
        "hooks-repair",
        "hooks and auditwheel only",
        ("{python}", CONTAINED, "{backend}", "{ready}", PYTHON, "{out}", "{report}"),
        {"container": ()},
        seconds="reported",
    ),
)
CONTENDERS = {contender.name: contender for contender in (*OURS, *PEERS, *CIBUILDWHEEL, *ALONE)}

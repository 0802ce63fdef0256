"""What of ours is copied into containers: the hook host, the script that calls hooks, and small programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from headless_wheel_builder.isolation.docker.archive import Member, of_bytes, of_folder

# Nothing of an image is there.
HOME: Final = "/hwb"
HOST: Final = f"{HOME}/program/host.py"
# Of a container that provisions: a volume, of which nothing gets into images.
SCRATCH: Final = f"{HOME}/scratch"
# The environment: in memory, and as one file in an image of it, or else in the image as it is.
ENVIRONMENT: Final = f"{HOME}/env"
PARCEL: Final = f"{HOME}/env.parcel"
# auditwheel, patchelf and uv for images that lack them.
TOOLS: Final = f"{HOME}/tools"
PERSONALITY: Final = f"{HOME}/program/personality.py"
# On a kernel of 64 bits, programs of 32 have to ask for what a machine of theirs would say.
NARROW: Final = ("linux/386", "linux/arm/v7")
# What pyproject-hooks runs; that of an image may be too old.
SCRIPT: Final = f"{HOME}/program/in_process.py"
EXECUTE: Final = f"{HOME}/program/execute.py"
LOOK: Final = f"{HOME}/program/look.py"
DESCRIBE: Final = f"{HOME}/program/probe.py"
INSTALLED: Final = f"{HOME}/program/installed.py"
FORGET: Final = f"{HOME}/program/forget.py"
PACKER: Final = f"{HOME}/program/parcel.py"
# Of several modules, which import each other by the names that they have here.
PACKAGES: Final = ("headless_wheel_builder", "isolation", "docker", "inside")
REPAIR: Final = "/".join((HOME, "program", *PACKAGES, "repair.py"))


def host_argv(python: str, platform: str) -> tuple[str, ...]:
    """Return how a hook host is started as the main process of a container.

    :param platform: as the OCI image specification names it
    """
    host = (python, HOST, "0", "1")
    return (python, PERSONALITY, *host) if platform in NARROW else host


def members() -> Iterator[Member]:
    """Return the files, as members of an archive."""
    yield of_folder(HOME)
    yield of_folder(f"{HOME}/program")
    for name, content in _contents().items():
        yield of_bytes(f"{HOME}/program/{name}", content)


@cache
def _contents() -> dict[str, bytes]:
    hooks = files("headless_wheel_builder.hooks")
    found = {"host.py": hooks.joinpath("host.py").read_bytes()}
    for part in hooks.joinpath("inside").iterdir():
        if part.name.endswith(".py"):
            found[f"inside/{part.name}"] = part.read_bytes()
    for program in files(__package__).joinpath("inside").iterdir():
        if program.name.endswith(".py") and not program.name.startswith("_"):
            found[program.name] = found["/".join((*PACKAGES, program.name))] = program.read_bytes()
    # Without these, packages of the same names in an environment would be found first.
    for depth in range(len(PACKAGES)):
        found["/".join((*PACKAGES[: depth + 1], "__init__.py"))] = b""
    found["probe.py"] = files("headless_wheel_builder.isolation").joinpath("probe.py").read_bytes()
    script = files("pyproject_hooks").joinpath("_in_process").joinpath("_in_process.py")
    found[os.path.basename(SCRIPT)] = script.read_bytes()
    return found

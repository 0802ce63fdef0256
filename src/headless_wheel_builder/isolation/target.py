"""A target: what a wheel is built for."""

from __future__ import annotations

import sysconfig
from typing import Final

from headless_wheel_builder.errors import HeadlessWheelBuilderError
from headless_wheel_builder.isolation.targets import VersionTarget, dotted
from headless_wheel_builder.values import named_value, value

# As wheels abbreviate them (PEP 425).
ABBREVIATIONS: Final = {"cpython": "cp", "pypy": "pp", "graalpy": "gp"}
# What PEP 600 called these policies before it.
OLD_NAMES: Final = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
# The first glibc of each architecture that wheels may be for.
FIRST_GLIBC: Final = {"x86_64": (2, 5), "i686": (2, 5)}
# Those that an interpreter may have whose patch is not known; no minor version had half as many.
PATCHES: Final = (*range(50), 999)


@named_value
class Target:
    """An interpreter, and where it runs.

    :param python: the interpreter, as a strategy takes it: a version or a path
    :param implementation: `cpython`, `pypy` or `graalpy`
    :param version: its version, or as many parts of it as are known
    :param free_threaded: whether it has no global lock
    :param where: what it runs on: `linux_x86_64`, `manylinux_x86_64`, `musllinux_aarch64`
    :param platforms: the platform tags of wheels that run there
    """

    python: str
    implementation: str
    version: tuple[int, ...]
    free_threaded: bool
    where: str
    platforms: tuple[str, ...]

    @property
    def interpreter(self) -> str:
        """The interpreter as wheels name it: `cp312`, `cp313t`, `pp311`."""
        name = ABBREVIATIONS.get(self.implementation, self.implementation)
        return f"{name}{''.join(map(str, self.version[:2]))}{'t' if self.free_threaded else ''}"

    @property
    def identifier(self) -> str:
        """What people call it, and what settings select it by: `cp312-manylinux_x86_64`."""
        return f"{self.interpreter}-{self.where}"

    @property
    def version_target(self) -> VersionTarget:
        """The interpreter without what it runs on."""
        return VersionTarget(self.implementation, self.version, self.free_threaded)

    def __str__(self) -> str:
        return f"{self.version_target} on {self.where}"


@value
class Missing:
    """An interpreter that was asked for and is not there.

    :param asked: what the user wrote
    :param where: where it was to run
    """

    asked: str
    where: str
    error: HeadlessWheelBuilderError

    @property
    def identifier(self) -> str:
        """What it is called in the place of a target's identifier."""
        return f"{self.asked}-{self.where}"


def this_platform() -> str:
    """Return what this machine is called in tags that promise nothing about others: `linux_x86_64`."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def these_platforms() -> tuple[str, ...]:
    """Return the platform tags of wheels that run on this machine."""
    from packaging.tags import platform_tags

    return tuple(platform_tags())


def platforms_of(policy: str, architecture: str) -> tuple[str, ...]:
    """Return the platform tags of wheels that run where a policy holds (PEP 600, PEP 656).

    :param policy: for example `manylinux_2_28`; empty where none is known
    """
    plain = f"linux_{architecture}"
    name, *numbers = policy.split("_")
    if len(numbers) != 2:  # noqa: PLR2004 - major and minor
        return (plain,)
    major, newest = map(int, numbers)
    oldest = FIRST_GLIBC.get(architecture, (2, 17))[1] if name == "manylinux" else 0
    tags = []
    for minor in range(newest, oldest - 1, -1):
        tags.append(f"{name}_{major}_{minor}_{architecture}")
        if name == "manylinux" and (major, minor) in OLD_NAMES:
            tags.append(f"{OLD_NAMES[major, minor]}_{architecture}")
    return (*tags, plain)


def named_target(python: str, wanted: VersionTarget, where: str, platforms: tuple[str, ...]) -> Target:
    """Return the target that a version names, whatever its patch is."""
    return Target(
        python=python,
        implementation=wanted.implementation,
        version=wanted.version,
        free_threaded=wanted.free_threaded,
        where=where,
        platforms=platforms,
    )


def is_allowed(target: Target, requires_python: str) -> bool:
    """Tell whether a project is for an interpreter (`Requires-Python`, PEP 345 and PEP 440).

    Of a target whose patch is not known, some patch has to be allowed.

    :raises ValueError: `requires_python` is no set of version specifiers
    """
    from packaging.specifiers import SpecifierSet

    specifiers = SpecifierSet(requires_python)
    known = dotted(target.version)
    patches = [known] if len(target.version) > 2 else [f"{known}.{patch}" for patch in PATCHES]  # noqa: PLR2004
    return any(specifiers.contains(version, prereleases=True) for version in patches)

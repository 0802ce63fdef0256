"""Every key of the table: what its value may be, and whether targets may differ in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from headless_wheel_builder.configuration import kinds
from headless_wheel_builder.configuration.kinds import Kind
from headless_wheel_builder.configuration.settings import Installer, Isolation, Libc

# Those that hold for a whole run.
RUN: Final[Mapping[str, Kind]] = {
    "isolation": kinds.choice(*get_args(Isolation)),
    "installer": kinds.choice(*get_args(Installer)),
    "python": kinds.several(kinds.text(), least=1),
    "platform": kinds.several(kinds.choice(*get_args(Libc)), least=1),
    "arch": kinds.several(kinds.text(), least=1),
    "image-mirror": kinds.text(),
    "timeout": kinds.number(),
    "jobs": kinds.count(),
    "fail-fast": kinds.flag(),
    "max-unpacked-size": kinds.size(),
    "dependency-constraints": kinds.text(),
}
# Those that overrides may have too.
TARGET: Final[Mapping[str, Kind]] = {
    "image": kinds.text(),
    "repair": kinds.flag(),
    "strip": kinds.flag(),
    "only-plat": kinds.flag(),
    "exclude": kinds.several(kinds.text()),
    "network": kinds.flag(),
    "memory": kinds.text('a string like "4g"'),
    "cpus": kinds.number(),
    "mounts": kinds.several(kinds.mount()),
    "env": kinds.variables(),
    "hook-timeout": kinds.number(),
    "hook-silence": kinds.number(),
    "clean-env": kinds.flag(),
    "env-cache": kinds.flag(),
    "config-settings": kinds.settings(),
}
# Those that only overrides have.
OVERRIDE: Final[Mapping[str, Kind]] = {
    "select": kinds.several(kinds.text(), least=1),
    "skip": kinds.flag(),
}
SETTINGS: Final[Mapping[str, Kind]] = {**RUN, **TARGET}


def attribute(key: str) -> str:
    """Return the name that a key has in a `Configuration`."""
    return key.replace("-", "_")

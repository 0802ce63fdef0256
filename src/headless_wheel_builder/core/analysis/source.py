"""A project that is looked at: its files, its tables, and how it is built."""

from __future__ import annotations

import configparser
import sys
from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.core.analysis.tree import SourceTree
from headless_wheel_builder.core.project import BuildSystem
from headless_wheel_builder.isolation.distributions import canonical, required_names
from headless_wheel_builder.values import value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Distributions whose modules have other names.
MODULES: Final = {
    "mypy": ("mypy", "mypyc"),
    "scikit-build": ("skbuild",),
    "pyyaml": ("yaml",),
    "pyqt-builder": ("pyqtbuild",),
    "sip": ("sipbuild",),
    "nvidia-pytriton": ("pytriton",),
    "gitpython": ("git",),
    "oldest-supported-numpy": ("numpy",),
    "pkgconfig": ("pkgconfig",),
    "pytorch": ("torch",),
}


@value
class Source:
    """A project that is looked at.

    :param pyproject: pyproject.toml, as it is
    """

    tree: SourceTree
    pyproject: Mapping[str, Any]
    build_system: BuildSystem

    def provides(self, module: str) -> bool:
        """Tell whether the build environment has a module, as far as the requirements say."""
        for name in required_names(self.build_system.requires):
            if module.lower() in MODULES.get(name, (name.replace("-", "_"),)):
                return True
        return False

    def setup_cfg(self) -> Mapping[str, Mapping[str, str]]:
        """Return the sections of setup.cfg; empty if it cannot be read."""
        return ini(self.tree.read("setup.cfg"))

    def toml(self, name: str) -> Mapping[str, Any]:
        """Return a file of the tree as a table; empty if it cannot be read."""
        try:
            return tomllib.loads((self.tree.read(name) or b"").decode())
        except (ValueError, RecursionError):
            return {}


def ini(content: bytes | None) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of an INI file, with keys that have `_` for `-`; empty if it cannot be read."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string((content or b"").decode("utf-8", "replace"))
    except configparser.Error:
        return {}
    return {name: {key.replace("-", "_"): parser.get(name, key) for key in parser[name]} for name in parser.sections()}


def same(one: str, other: str) -> bool:
    """Whether two names are of one distribution."""
    return canonical(one) == canonical(other)

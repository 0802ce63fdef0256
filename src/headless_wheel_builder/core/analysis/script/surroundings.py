"""What a plain build on Linux with CPython finds around it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from headless_wheel_builder.core.analysis.script.values import (
    UNKNOWN,
    External,
    Tainted,
    bare,
)

VALUES: Final[dict[str, object]] = {
    "sys.platform": Tainted("linux", "platform", "sys.platform"),
    "os.name": Tainted("posix", "platform", "os.name"),
    "os.sep": "/",
    "os.path.sep": "/",
    "sys.argv": ["setup.py", "bdist_wheel"],
    "sys.version_info": Tainted(tuple(sys.version_info), "version", "sys.version_info"),
    "sys.version_info.major": Tainted(3, "version", "sys.version_info"),
    "sys.version_info.minor": Tainted(sys.version_info.minor, "version", "sys.version_info"),
    "sys.hexversion": Tainted(sys.hexversion, "version", "sys.hexversion"),
    "sys.implementation.name": Tainted("cpython", "interpreter", "sys.implementation.name"),
    "sys.maxsize": 2**63 - 1,
    "sys.builtin_module_names": Tainted(("sys", "builtins", "posix"), "interpreter", "sys.builtin_module_names"),
    "sys.modules": Tainted({}, "interpreter", "sys.modules"),
    "typing.TYPE_CHECKING": False,
}


CALLS: Final[dict[str, object]] = {
    "platform.system": Tainted("Linux", "platform", "platform.system()"),
    "platform.python_implementation": Tainted("CPython", "interpreter", "platform.python_implementation()"),
    "platform.machine": Tainted(UNKNOWN, "platform", "platform.machine()"),
    "platform.processor": Tainted(UNKNOWN, "platform", "platform.processor()"),
    "sysconfig.get_platform": Tainted("linux-x86_64", "platform", "sysconfig.get_platform()"),
    "distutils.util.get_platform": Tainted("linux-x86_64", "platform", "get_platform()"),
    "sys._is_gil_enabled": Tainted(True, "interpreter", "sys._is_gil_enabled()"),
}


# Each of these gives what a plain build finds, and another thing elsewhere.
CONFIG_VARIABLES: Final[Mapping[object, object]] = {"Py_GIL_DISABLED": 0, "Py_DEBUG": 0}


def external_value(name: str) -> object:
    """Return what a name from outside stands for."""
    return VALUES.get(name, External(name))


def environment(name: object, default: object) -> object:
    """Return a variable of the environment: a plain build has none of those that a project asks for."""
    plain = bare(name)
    return Tainted(default, "variable", plain if isinstance(plain, str) else "the environment")

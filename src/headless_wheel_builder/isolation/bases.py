"""The interpreter that environments are made from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.values import named_value

if TYPE_CHECKING:
    from pathlib import Path

    from headless_wheel_builder.isolation.interpreters import Interpreter


@named_value
class Base:
    """The interpreter that environments are made from, as far as it is known without asking it.

    :param build: its version and how it was built, as `sys.version` has it
    :param describe: asks it for the rest
    """

    executable: str
    build: str
    describe: Callable[[], Interpreter]


def find_base(wanted: str | None, context: Context, *, configured: Path | None = None, use_uv: bool = True) -> Base:
    """Find the interpreter that `wanted` names, as `find_interpreter` does, asking it only if it is not this one."""
    if wanted is None and configured is None:
        return Base(executable=sys.executable, build=sys.version, describe=_running)
    from headless_wheel_builder.isolation.interpreters import find_interpreter

    found = find_interpreter(wanted, context, configured=configured, use_uv=use_uv)
    return Base(executable=found.executable, build=found.build, describe=lambda: found)


def _running() -> Interpreter:
    from headless_wheel_builder.isolation.interpreters import running_interpreter

    return running_interpreter()

"""Bytecode that is not whole. Python writes it so when a disk is full, and fails to import it ever after."""

from __future__ import annotations

import os
from typing import Final

from headless_wheel_builder.events import silent
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.removal import remove_tree

SECONDS: Final = 60.0
DAMAGED: Final = 3
# For the interpreter whose bytecode it is; 16 bytes come before the code.
PROGRAM: Final = f"""\
import marshal, os, sys
from importlib.util import MAGIC_NUMBER
CODE = type(compile("", "", "exec"))
status = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names if sys.implementation.name == "cpython" else ():
        path = os.path.join(folder, name)
        if not name.endswith(".pyc"):
            continue
        with open(path, "rb") as file:
            content = file.read()
        try:
            if content[:4] != MAGIC_NUMBER or type(marshal.loads(content[16:])) is CODE:
                continue
        except (EOFError, ValueError, TypeError):
            pass
        os.unlink(path)
        status = {DAMAGED}
sys.exit(status)
"""


def remove_damaged(folder: str, python: str, context: Context) -> bool:
    """Remove from an environment the bytecode that its interpreter cannot read; tell whether there was any.

    :param folder: of the environment
    :param python: its interpreter
    """
    argv = [python, "-I", "-S", "-c", PROGRAM, folder]
    try:
        returncode = context.processes.capture(argv, env=context.environ, timeout=SECONDS).returncode
    except OSError:
        return False  # the interpreter is gone, which others notice
    if returncode < 0:  # what is damaged can be such that an interpreter crashes
        _remove_all(folder)
    return returncode < 0 or returncode == DAMAGED


def _remove_all(folder: str) -> None:
    for path, names, _ in os.walk(folder):
        if "__pycache__" in names:
            names.remove("__pycache__")
            remove_tree(os.path.join(path, "__pycache__"), silent)

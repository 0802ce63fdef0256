"""Bytecode that is not whole is removed, by the interpreter whose it is; all other files stay."""

from __future__ import annotations

import os
import py_compile
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest
from support import make_context, make_script

from headless_wheel_builder.isolation.bytecode import remove_damaged

if sys.implementation.name != "cpython":
    pytest.skip("other interpreters have bytecode of other kinds", allow_module_level=True)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Compile a module, and return where its bytecode is."""
    source = tmp_path / "package" / "module.py"
    source.parent.mkdir()
    source.write_text("def answer():\n    return 42\n")
    return Path(py_compile.compile(os.fspath(source), doraise=True))


def removed(folder: Path, python: str = sys.executable) -> bool:
    return remove_damaged(os.fspath(folder), python, make_context())


def test_bytecode_that_is_whole_stays(tmp_path: Path, module: Path) -> None:
    assert not removed(tmp_path)
    assert module.exists()


@pytest.mark.parametrize("left", ["half", "nothing", "another object"])
def test_bytecode_that_cannot_be_imported_is_removed(tmp_path: Path, module: Path, left: str) -> None:
    content = module.read_bytes()
    contents = {"half": content[: len(content) // 2], "nothing": content[:16], "another object": content[:16] + b"N"}
    module.write_bytes(contents[left])
    assert removed(tmp_path)
    assert not module.exists()
    assert (tmp_path / "package" / "module.py").exists()
    assert not removed(tmp_path)


def test_bytecode_of_another_python_stays_as_nobody_reads_it(tmp_path: Path, module: Path) -> None:
    other = bytes(reversed(MAGIC_NUMBER))
    module.write_bytes(other + b"x")
    assert not removed(tmp_path)
    assert module.exists()


def test_bytecode_at_which_the_interpreter_crashes_is_removed_with_all_of_it(tmp_path: Path, module: Path) -> None:
    crashing = make_script(tmp_path / "python", "kill -SEGV $$\n")
    assert removed(tmp_path, os.fspath(crashing))
    assert not module.parent.exists()


def test_without_the_interpreter_there_is_nothing_to_be_found(tmp_path: Path, module: Path) -> None:
    assert not removed(tmp_path, os.fspath(tmp_path / "gone"))
    assert module.exists()

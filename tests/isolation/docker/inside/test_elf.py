"""ELF files say what they need, whichever machine they are for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from isolation.docker.machine_code import AARCH64, I686, S390X, X86_64, executable, library

from headless_wheel_builder.isolation.docker.inside import elf

VERSIONS = {
    "libc.so.6": {"GLIBC_2.5": ["puts"], "GLIBC_2.36": ["arc4random", "strlcpy"]},
    "libm.so.6": {"GLIBC_2.29": []},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.so"


@pytest.mark.parametrize("header", [X86_64, AARCH64, S390X, I686], ids=str)
def test_what_a_library_needs_is_read(path: Path, header: elf.Header) -> None:
    path.write_bytes(library(header, needs=["libfoo.so.1"], versions=VERSIONS, plain=["foo"]))
    assert elf.header_of(str(path)) == header
    needs = elf.needs(str(path))
    assert needs.libraries == ["libfoo.so.1", "libc.so.6", "libm.so.6"]
    assert needs.versions == {
        ("libc.so.6", "GLIBC_2.5"): ["puts"],
        ("libc.so.6", "GLIBC_2.36"): ["arc4random", "strlcpy"],
        ("libm.so.6", "GLIBC_2.29"): [],
    }
    assert needs.symbols == ["foo", "puts", "arc4random", "strlcpy"]


def test_the_same_machine_is_the_same_bits_order_and_architecture() -> None:
    platforms = [header.platform for header in (X86_64, AARCH64, S390X, I686)]
    assert len(set(platforms)) == 4
    assert elf.header(executable())
    assert X86_64.platform == X86_64._replace(kind=elf.EXECUTABLE).platform


def test_a_machine_has_a_name_that_people_know() -> None:
    assert [str(header) for header in (X86_64, AARCH64, I686)] == [
        "x86_64 (64 bit)",
        "aarch64 (64 bit)",
        "i686 (32 bit)",
    ]
    assert str(X86_64._replace(machine=9999)) == "machine 9999 (64 bit)"


def test_objects_are_not_programs() -> None:
    assert X86_64.is_program
    assert not X86_64._replace(kind=1).is_program


@pytest.mark.parametrize("content", [b"", b"\x7fEL", b"#!/bin/sh\n", b"PK\3\4" + bytes(50)])
def test_other_files_are_not_elf(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert elf.header_of(str(path)) is None
    assert elf.needs(str(path)) == elf.Needs([], {}, [])


def test_a_file_that_is_not_there_needs_nothing(path: Path) -> None:
    assert elf.needs(str(path)) == elf.Needs([], {}, [])


def test_damaged_files_need_nothing_and_end_nothing(path: Path) -> None:
    whole = library(versions=VERSIONS)
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        elf.needs(str(path))
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        elf.needs(str(path))


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no compiler")
def test_what_a_compiler_made_is_read(path: Path) -> None:
    code = '#include <stdio.h>\nint bar(void); int foo(void) { return puts("x") + bar(); }'
    subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", path], input=code.encode(), check=True)
    needs = elf.needs(str(path))
    assert {"puts", "bar"} <= set(needs.symbols)
    assert any("puts" in names for names in needs.versions.values()) == bool(needs.versions)

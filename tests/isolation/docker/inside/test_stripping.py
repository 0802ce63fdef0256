"""Only symbols go, and the wheel is the same otherwise."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import textwrap
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from core.archives import METADATA, WHEEL, make_wheel

from headless_wheel_builder.core.wheel import check_wheel
from headless_wheel_builder.isolation.docker.inside import stripping

CODE = b"\x7fELF code" + b"SYMBOLS" * 1000
RECORD = "pkg-1.0.dist-info/RECORD"
FILES = {
    "pkg/module.so": CODE,
    "pkg/other.so": CODE,
    "pkg/text.py": b"x = 1\n",
    "pkg-1.0.dist-info/METADATA": METADATA,
    "pkg-1.0.dist-info/WHEEL": WHEEL,
}


@pytest.fixture
def strip(tmp_path: Path) -> str:
    """Be a `strip` that takes the word SYMBOLS out of files."""
    program = tmp_path / "strip"
    code = """\
        import sys
        assert sys.argv[1] == "-s"
        with open(sys.argv[2], "rb+") as file:
            content = file.read()
            if b"unknown" in content:
                sys.exit(f"strip: {sys.argv[2]}: file format not recognized")
            file.seek(0)
            file.truncate()
            file.write(content.replace(b"SYMBOLS", b""))
        """
    program.write_text(f"#!{sys.executable}\n{textwrap.dedent(code)}")
    program.chmod(0o755)
    return str(program)


def stripped(wheel: Path, *names: str, strip: str, folder: str = "made") -> Path:
    target = wheel.parent / folder
    target.mkdir()
    path = stripping.strip_wheel(str(wheel), str(target), names, strip)
    assert [path] == [str(one) for one in target.iterdir()]
    return Path(path)


def test_files_are_stripped_and_recorded(tmp_path: Path, strip: str) -> None:
    wheel = make_wheel(tmp_path, FILES)
    made = stripped(wheel, "pkg/module.so", strip=strip)
    assert made.name == wheel.name
    with zipfile.ZipFile(made) as archive:
        assert archive.read("pkg/module.so") == b"\x7fELF code"
        assert archive.read("pkg/other.so") == CODE
        assert b"pkg/module.so,sha256=" in archive.read(RECORD)
        assert archive.read(RECORD).endswith(b"RECORD,,\n")
    check_wheel(made, lambda: None)


def test_the_record_may_come_first(tmp_path: Path, strip: str) -> None:
    ordered = tmp_path / "ordered"
    ordered.mkdir()
    wheel = ordered / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(make_wheel(tmp_path, FILES)) as source, zipfile.ZipFile(wheel, "w") as archive:
        for member in reversed(source.infolist()):
            archive.writestr(member, source.read(member))
    made = stripped(wheel, "pkg/module.so", strip=strip)
    check_wheel(made, lambda: None)
    with zipfile.ZipFile(made) as archive:
        assert archive.namelist()[0] == RECORD


def test_all_else_of_members_is_kept(tmp_path: Path, strip: str) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    link = zipfile.ZipInfo("pkg/link.so", (2020, 1, 2, 3, 4, 6))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    program = zipfile.ZipInfo("pkg/module.so", (1999, 1, 2, 3, 4, 6))
    program.external_attr, program.compress_type, program.comment = (
        (stat.S_IFREG | 0o755) << 16,
        zipfile.ZIP_DEFLATED,
        b"!",
    )
    folder = zipfile.ZipInfo("pkg/", (2001, 1, 2, 3, 4, 6))
    folder.external_attr = (stat.S_IFDIR | 0o750) << 16 | 0x10
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(folder, b"")
        archive.writestr(program, CODE)
        archive.writestr(link, b"module.so")
        archive.writestr("pkg/RECORD", b"no record\r\n")
    made = stripped(wheel, "pkg/module.so", strip=strip)

    def described(path: Path) -> list[tuple[object, ...]]:
        with zipfile.ZipFile(path) as archive:
            return [
                (one.filename, one.date_time, one.external_attr, one.compress_type, one.comment, one.create_system)
                for one in archive.infolist()
            ]

    assert described(made) == described(wheel)
    with zipfile.ZipFile(made) as archive:
        assert archive.read("pkg/link.so") == b"module.so"
        assert archive.read("pkg/RECORD") == b"no record\r\n"


def test_the_same_wheel_becomes_the_same_bytes(tmp_path: Path, strip: str) -> None:
    wheel = make_wheel(tmp_path, FILES)
    both = [stripped(wheel, "pkg/module.so", "pkg/other.so", strip=strip, folder=name) for name in "ab"]
    assert both[0].read_bytes() == both[1].read_bytes()


def test_names_with_commas_stay_one_name(tmp_path: Path, strip: str) -> None:
    wheel = make_wheel(tmp_path, {'pkg/a,"b".so': CODE}, record_text='"pkg/a,""b"".so",sha256=x,1\n')
    with zipfile.ZipFile(stripped(wheel, 'pkg/a,"b".so', strip=strip)) as archive:
        assert archive.read(RECORD).startswith(b'"pkg/a,""b"".so",sha256=')
        assert archive.read(RECORD).endswith(b",9\n")


def test_a_file_that_cannot_be_stripped_is_named(tmp_path: Path, strip: str) -> None:
    wheel = make_wheel(tmp_path, {"pkg/module.so": b"\x7fELF unknown"})
    with pytest.raises(stripping.StripError, match=r"^strip: pkg/module\.so: file format not recognized$"):
        stripped(wheel, "pkg/module.so", strip=strip)


def test_large_files_are_never_held_in_memory(tmp_path: Path, strip: str) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("pkg/module.so", "pkg/data.bin"):
            with archive.open(name, "w") as file:
                for _ in range(32):
                    file.write(bytes(1024 * 1024))
    tracemalloc.start()
    try:
        stripped(wheel, "pkg/module.so", strip=strip)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not (shutil.which("cc") and shutil.which("strip")), reason="there is no compiler")
def test_what_a_compiler_made_loses_its_symbols(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    code = b"static int hidden_name(void) { return 1; } int (*shown)(void) = hidden_name;"
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-xc", "-", "-o", library], input=code, check=True)
    assert b"hidden_name" in library.read_bytes()
    wheel = make_wheel(tmp_path, {**FILES, "pkg/module.so": library.read_bytes()})
    strip = shutil.which("strip")
    assert strip
    made = stripped(wheel, "pkg/module.so", strip=strip)
    with zipfile.ZipFile(made) as archive:
        assert b"hidden_name" not in archive.read("pkg/module.so")
    check_wheel(made, lambda: None)

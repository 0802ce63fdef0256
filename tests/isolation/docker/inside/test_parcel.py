"""A folder comes out of its file as it went in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from headless_wheel_builder.isolation.docker.inside.parcel import pack, unpack

PARCEL = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/parcel.py"))
# Of a time that is no whole number of seconds.
THEN = 1_000_000_000_123_456_789


def described(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return mode, time and content of all that a folder has."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        moment = None if path.is_symlink() else status.st_mtime_ns
        found[str(path.relative_to(folder))] = status.st_mode, moment, content
    return found


def environment(folder: Path) -> Path:
    """Make a folder with whatever environments have."""
    (folder / "lib" / "empty").mkdir(parents=True)
    (folder / "lib" / "module.py").write_text("x = 1\n")
    (folder / "lib" / "n\u00f6 n\n.bin").write_bytes(bytes(range(256)) * 9000)
    (folder / "lib" / "nothing").touch()
    (folder / "script").write_text("#!")
    (folder / "script").chmod(0o755)
    (folder / "python").symlink_to("/usr/bin/python")
    (folder / "lib64").symlink_to("lib")
    (folder / "lib" / "read_only").mkdir()
    (folder / "lib" / "read_only" / "file").touch(mode=0o400)
    for path in (folder / "lib" / "module.py", folder / "lib" / "read_only", folder / "lib"):
        os.utime(path, ns=(THEN, THEN))
    (folder / "lib" / "read_only").chmod(0o555)
    return folder


def test_modes_times_links_and_contents_are_as_they_were(tmp_path: Path) -> None:
    before = environment(tmp_path / "before")
    (tmp_path / "after").mkdir()
    for verb, folder in (("pack", before), ("unpack", tmp_path / "after")):
        answer = tmp_path / verb
        argv = [sys.executable, "-I", PARCEL, answer, verb, tmp_path / "parcel", folder]
        subprocess.run(argv, check=True)
        assert json.loads(answer.read_text()) is True
    assert described(tmp_path / "after") == described(before)


def test_bytecode_still_fits_its_source(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    (tmp_path / "before" / "module.py").write_text("x = 1\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", tmp_path / "before"], check=True)
    pack(str(tmp_path / "parcel"), str(tmp_path / "before"))
    unpack(str(tmp_path / "parcel"), str(tmp_path / "after"))
    argv = [sys.executable, "-v", "-c", "import module"]
    run = subprocess.run(argv, cwd=tmp_path / "after", capture_output=True, text=True, check=True)
    assert "matches" in next(line for line in run.stderr.splitlines() if "module.cpython" in line)


def test_a_file_that_was_cut_short_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    pack(str(tmp_path / "parcel"), str(environment(tmp_path / "before")))
    whole = (tmp_path / "parcel").read_bytes()
    (tmp_path / "parcel").write_bytes(whole[:-1])
    (tmp_path / "after").mkdir()
    with pytest.raises(EOFError, match="too early"):
        unpack(str(tmp_path / "parcel"), str(tmp_path / "after"))


def test_what_no_environment_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    os.mkfifo(tmp_path / "before" / "pipe")
    with pytest.raises(ValueError, match="no file, folder or link"):
        pack(str(tmp_path / "parcel"), str(tmp_path / "before"))

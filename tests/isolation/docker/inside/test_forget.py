"""Of uv's cache, what it knows of interpreters is kept, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

FORGET = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/forget.py"))


def forget(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", FORGET, tmp_path / "answer", tmp_path / "env" / "cache", tmp_path / "asked" / "cache"]
    subprocess.run(argv, check=True)
    assert json.loads((tmp_path / "answer").read_text()) is True


def test_what_is_known_of_interpreters_moves_and_addresses_of_indexes_go(tmp_path: Path) -> None:
    for name in ("interpreter-v4/ab/cd.msgpack", "simple-v16/index/secret", "archive-v0/x/module.py", "CACHEDIR.TAG"):
        path = tmp_path / "env" / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("it")
    forget(tmp_path)
    assert not (tmp_path / "env" / "cache").exists()
    left = [path for path in (tmp_path / "asked").rglob("*") if path.is_file()]
    assert left == [tmp_path / "asked" / "cache" / "interpreter-v4" / "ab" / "cd.msgpack"]


@pytest.mark.parametrize("name", ["env", "env/cache"])
def test_a_cache_with_nothing_in_it_is_no_failure(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    forget(tmp_path)
    assert not (tmp_path / "env" / "cache").exists()

"""What an environment has is told without importing any of it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from support import make_distribution

INSTALLED = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/installed.py"))


def installed(tmp_path: Path, *folders: Path) -> object:
    answer = tmp_path / "answer.json"
    subprocess.run([sys.executable, "-I", INSTALLED, answer, *folders], check=True)
    return json.loads(answer.read_text())


def test_headers_and_records_are_told_without_what_follows_the_headers(tmp_path: Path) -> None:
    site = tmp_path / "site [x]"
    make_distribution(site, "a", "1.0", ["b>2"])
    (site / "a-1.0.dist-info" / "RECORD").write_text("a/__init__.py,,\n")
    make_distribution(site, "b", "3.0")
    (site / "c").mkdir()
    assert installed(tmp_path, site) == {
        "a-1.0.dist-info": {
            "METADATA": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b>2\n",
            "RECORD": "a/__init__.py,,\n",
        },
        "b-3.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: b\nVersion: 3.0\n", "RECORD": ""},
    }


def test_several_folders_are_looked_at_and_those_that_are_not_there_have_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_distribution(tmp_path / name, name, "1")
    found = installed(tmp_path, tmp_path / "one", tmp_path / "none", tmp_path / "two")
    assert isinstance(found, dict)
    assert list(found) == ["one-1.dist-info", "two-1.dist-info"]


def test_what_is_no_utf_8_does_no_harm(tmp_path: Path) -> None:
    site = tmp_path / "site"
    make_distribution(site, "a", "1")
    (site / "a-1.dist-info" / "METADATA").write_bytes(b"Name: a\nAuthor: Andr\xe9\n\nbody")
    assert installed(tmp_path, site) == {"a-1.dist-info": {"METADATA": "Name: a\nAuthor: Andr\ufffd\n", "RECORD": ""}}

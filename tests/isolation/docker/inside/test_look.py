"""Interpreters and tools are found by running what is there."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from support import make_script

from headless_wheel_builder.isolation.docker.inside import look
from headless_wheel_builder.isolation.docker.surroundings import parse

LOOK = str(files("headless_wheel_builder.isolation.docker").joinpath("inside/look.py"))
PROBE = str(files("headless_wheel_builder.isolation").joinpath("probe.py"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be the folder of an image's interpreters; there is nothing on the path."""
    monkeypatch.setattr(look, "HOME", os.fspath(tmp_path / "opt"))
    monkeypatch.setenv("PATH", os.fspath(tmp_path / "bin"))
    return tmp_path / "opt"


def python(path: Path) -> str:
    """Make something that is called to be the interpreter of the tests."""
    return os.fspath(make_script(path, f'exec {sys.executable} "$@"\n'))


def test_the_interpreter_at_hand_tells_what_it_is(home: Path) -> None:
    path = python(home / "cp312-cp312" / "bin" / "python")
    (found,) = look.interpreters(PROBE, look.paths())
    assert found["path"] == path
    assert found["version"] == list(sys.version_info[:3])
    assert found["implementation"] == platform.python_implementation().lower()
    assert found["purelib"].startswith("{base}/lib/")
    assert isinstance(found["compiled"], bool)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_it_is_told_whether_the_standard_library_has_bytecode(tmp_path: Path, is_compiled: bool) -> None:
    library = tmp_path / "lib" / "python3.12"
    (library / "__pycache__").mkdir(parents=True)
    if is_compiled:
        (library / "__pycache__" / "argparse.cpython-312.pyc").touch()
    assert look.is_compiled({"ensurepip": str(library / "ensurepip" / "_bundled")}) is is_compiled


def test_those_of_the_image_come_before_those_on_the_path(home: Path, tmp_path: Path) -> None:
    names = ["opt/cp313-cp313/bin/python", "opt/cp312-cp312/bin/python", "bin/python3.12", "bin/python3", "bin/pypy3"]
    for name in names:
        python(tmp_path / name)
    (home / "cp313-cp313" / "bin" / "python3").symlink_to("python")
    assert list(look.paths()) == [os.fspath(tmp_path / name) for name in (
        "opt/cp312-cp312/bin/python", "opt/cp313-cp313/bin/python", "bin/python3", "bin/python3.12", "bin/pypy3"
    )]  # fmt: skip


@pytest.mark.usefixtures("home")
def test_a_name_for_another_in_the_same_folder_is_left_to_that(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3.12")
    (tmp_path / "bin" / "python3").symlink_to("python3.12")
    assert list(look.paths()) == [os.fspath(tmp_path / "bin" / "python3.12")]


def test_what_only_looks_like_an_interpreter_is_none(home: Path, tmp_path: Path) -> None:
    for name in ("python3.12-config", "python3-config", "python3.12-gdb.py", "python", "python2.7", "pypy"):
        make_script(tmp_path / "bin" / name, "exit 0")
    (tmp_path / "bin" / "python3.11").write_text("not executable")
    (home / "cp312-cp312").mkdir(parents=True)
    assert list(look.paths()) == []


def test_one_interpreter_with_several_names_is_told_once_by_the_first(home: Path, tmp_path: Path) -> None:
    path = python(home / "cp312-cp312" / "bin" / "python")
    python(tmp_path / "bin" / "python3")
    assert [found["path"] for found in look.interpreters(PROBE, look.paths())] == [path]


@pytest.mark.parametrize(
    ("text", "interpreter"),
    [
        ("exit 1", "/bin/sh"),
        ("echo GraalPy", "/bin/sh"),
        ("echo []", "/bin/sh"),
        ("echo {}", "/bin/sh"),
        ("exit 0", "/no/such/interpreter"),
    ],
    ids=["it fails", "it says something else", "it says JSON", "it says nothing", "it cannot be started"],
)
def test_what_cannot_tell_what_it_is_is_left_out(home: Path, tmp_path: Path, text: str, interpreter: str) -> None:
    make_script(home / "broken" / "bin" / "python", text, interpreter)
    path = python(tmp_path / "bin" / "python3")
    assert [found["path"] for found in look.interpreters(PROBE, look.paths())] == [path]


@pytest.mark.usefixtures("home")
def test_interpreters_that_can_be_installed_are_those_that_are_not(tmp_path: Path) -> None:
    there = {"identifier": "cp312-cp312", "python_version": "3.12", "implementation": "cpython", "installed": True}
    more = {"identifier": "pp311-pypy311_pp73", "python_version": "3.11", "implementation": "pypy", "installed": False}
    listed = json.dumps([{**one, "install_path": "/opt"} for one in (there, more)])
    make_script(tmp_path / "bin" / "manylinux-interpreters", f"[ \"$*\" = 'list --format json' ] && echo '{listed}'")
    assert look.on_demand(look.listing()) == [{name: text for name, text in more.items() if name != "installed"}]


@pytest.mark.parametrize("text", ["exit 2", "echo '[{}]'", "echo '{\"a\": 1}'", "echo usage"])
@pytest.mark.usefixtures("home")
def test_an_installer_of_interpreters_that_lists_none_has_none(tmp_path: Path, text: str) -> None:
    make_script(tmp_path / "bin" / "manylinux-interpreters", text)
    assert look.on_demand(look.listing()) == []


@pytest.mark.usefixtures("home")
def test_without_an_installer_of_interpreters_there_are_no_more() -> None:
    assert look.on_demand(look.listing()) == []


def test_of_one_interpreter_nothing_is_told_of_others(home: Path, tmp_path: Path) -> None:
    path = python(home / "cp312-cp312" / "bin" / "python")
    python(home / "cp313-cp313" / "bin" / "python")
    make_script(tmp_path / "bin" / "manylinux-interpreters", "exit 1")
    answer = look.look(PROBE, path)
    assert [found["path"] for found in answer["interpreters"]] == [path]
    assert answer["on_demand"] == []
    assert answer["tools"]["manylinux-interpreters"] == os.fspath(tmp_path / "bin" / "manylinux-interpreters")


def test_the_whole_answer_is_what_is_read_afterwards(tmp_path: Path) -> None:
    path = python(tmp_path / "bin" / "python3")
    strip = os.fspath(make_script(tmp_path / "bin" / "strip", ""))
    environ = {"PATH": os.fspath(tmp_path / "bin"), "HOSTNAME": "0123", "LC_ALL": "C.UTF-8"}
    answer = tmp_path / "answer.json"
    subprocess.run([sys.executable, LOOK, answer, PROBE], env=environ, check=True)
    found = parse(json.loads(answer.read_text()))
    assert {name: found.environ[name] for name in environ if name != "HOSTNAME"} == {
        "PATH": environ["PATH"],
        "LC_ALL": "C.UTF-8",
    }
    assert "HOSTNAME" not in found.environ
    assert found.machine == platform.machine()
    assert found.tools["strip"] == strip
    assert found.tools["auditwheel"] is None or found.tools["auditwheel"].startswith("/hwb/")
    assert path in [one.path for one in found.interpreters]
    assert found.on_demand == ()

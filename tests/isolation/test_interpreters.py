"""Discovery among small real programs: links to the running interpreter, and scripts that pretend to be others."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from support import make_context, make_script

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.isolation import probe
from headless_wheel_builder.isolation.bases import find_base
from headless_wheel_builder.isolation.interpreters import (
    UV_PLACE,
    Interpreter,
    find_interpreter,
    running_interpreter,
)

THIS = ".".join(map(str, sys.version_info[:2]))
EXACT = ".".join(map(str, sys.version_info[:3]))


class World:
    """A machine with nothing but what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.path = root / "bin"
        self.pyenv = root / "pyenv"
        self.path.mkdir()
        self.environ = {"PATH": os.fspath(self.path), "PYENV_ROOT": os.fspath(self.pyenv), "HOME": os.fspath(root)}

    def real(self, *where: str, folder: Path | None = None) -> Path:
        """Put the running interpreter somewhere."""
        place = (folder or self.path).joinpath(*where)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(sys.executable)
        return place

    def fake(self, *where: str, folder: Path | None = None, **facts: object) -> Path:
        """Put a program somewhere that says this of itself."""
        answer = {**probe.describe(), "executable": "", **facts}
        place = (folder or self.path).joinpath(*where)
        return make_script(place, f"/bin/cat <<'EOF'\n{json.dumps(answer)}\nEOF\n")

    def broken(self, *where: str, text: str = "echo 'no such library' >&2; exit 127") -> Path:
        return make_script(self.path.joinpath(*where), text)

    def find(self, wanted: str | None, *, configured: Path | None = None, use_uv: bool = False) -> Interpreter:
        return find_interpreter(wanted, make_context(environ=self.environ), configured=configured, use_uv=use_uv)

    def missing(self, wanted: str | None, *, configured: Path | None = None, use_uv: bool = False) -> InterpreterError:
        with pytest.raises(InterpreterError) as caught:
            self.find(wanted, configured=configured, use_uv=use_uv)
        return caught.value


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_a_wish_the_running_interpreter_is_taken(world: World) -> None:
    found = world.find(None)
    assert found == running_interpreter()
    assert found.executable == sys.executable
    assert found.version == sys.version_info[:3]
    assert found.minor_version == THIS


@pytest.mark.parametrize("wanted", ["3", THIS, EXACT, f"cp{THIS.replace('.', '')}"])
def test_an_interpreter_on_path_is_found_by_any_part_of_its_version(world: World, wanted: str) -> None:
    place = world.real("python")
    assert world.find(wanted).executable == os.fspath(place)


def test_the_answer_of_a_real_interpreter_is_that_of_ourselves(world: World) -> None:
    world.real(f"python{THIS}")
    assert world.find(THIS).implementation == running_interpreter().implementation
    assert world.find(THIS).version == running_interpreter().version


def test_a_name_proves_nothing(world: World) -> None:
    world.fake("python3.11", version=[3, 9, 1])
    right = world.fake("python", version=[3, 11, 4])
    found = world.find("3.11")
    assert found.executable == os.fspath(right)
    assert found.version == (3, 11, 4)


def test_the_exact_name_comes_before_the_short_one(world: World) -> None:
    exact = world.fake("python3.11", version=[3, 11, 1])
    world.fake("python3", version=[3, 11, 2])
    world.fake("python", version=[3, 11, 3])
    assert world.find("3.11").executable == os.fspath(exact)


def test_the_name_without_a_dot_is_tried(world: World) -> None:
    place = world.fake("python311", version=[3, 11, 1])
    assert world.find("3.11").executable == os.fspath(place)


def test_every_folder_of_path_is_looked_into(world: World, tmp_path: Path) -> None:
    world.fake("python3.11", version=[3, 9, 1])
    other = world.fake("python3.11", folder=tmp_path / "other", version=[3, 11, 1])
    world.environ["PATH"] = os.pathsep.join([os.fspath(world.path), "", "/missing", os.fspath(other.parent)])
    assert world.find("3.11").executable == os.fspath(other)


def test_pyenv_comes_before_path(world: World) -> None:
    world.fake("python3.11", version=[3, 11, 1])
    of_pyenv = world.fake("versions/3.11.1/bin/python", folder=world.pyenv, version=[3, 11, 1])
    assert world.find("3.11").executable == os.fspath(of_pyenv)


def test_the_newest_of_pyenvs_fitting_versions_is_taken(world: World) -> None:
    for patch in (2, 10, 9):
        world.fake(f"versions/3.11.{patch}/bin/python", folder=world.pyenv, version=[3, 11, patch])
    world.fake("versions/3.12.0/bin/python", folder=world.pyenv, version=[3, 12, 0])
    assert world.find("3.11").version == (3, 11, 10)


def test_a_pyenv_version_of_another_name_is_asked_too(world: World) -> None:
    place = world.fake("versions/my-env/bin/python", folder=world.pyenv, version=[3, 11, 1])
    assert world.find("3.11").executable == os.fspath(place)


def test_pyenv_is_in_the_home_folder_when_it_does_not_say_where(world: World, tmp_path: Path) -> None:
    del world.environ["PYENV_ROOT"]
    place = world.fake("versions/3.11.1/bin/python", folder=tmp_path / ".pyenv", version=[3, 11, 1])
    assert world.find("3.11").executable == os.fspath(place)


def test_the_configured_interpreter_comes_before_all_others(world: World, tmp_path: Path) -> None:
    world.fake("versions/3.11.1/bin/python", folder=world.pyenv, version=[3, 11, 1])
    configured = world.fake("mine", folder=tmp_path, version=[3, 11, 9])
    assert world.find("3.11", configured=configured).executable == os.fspath(configured)
    assert world.find(None, configured=configured).executable == os.fspath(configured)


def test_a_configured_interpreter_of_another_version_is_an_error_that_says_both(world: World, tmp_path: Path) -> None:
    configured = world.fake("mine", folder=tmp_path, version=[3, 9, 1])
    error = world.missing("3.11", configured=configured)
    assert error.message == f"The configured interpreter {configured} is not Python 3.11"
    assert "cpython 3.9.1" in error.cause


def test_a_broken_one_is_passed_over_and_the_next_taken(world: World) -> None:
    world.broken("python3.11")
    right = world.fake("python3", version=[3, 11, 1])
    assert world.find("3.11").executable == os.fspath(right)


def test_a_free_threaded_interpreter_is_taken_only_when_asked_for(world: World) -> None:
    free = world.fake("python3.13t", version=[3, 13, 1], free_threaded=True)
    usual = world.fake("python3.13", version=[3, 13, 1])
    assert world.find("3.13t").executable == os.fspath(free)
    assert world.find("3.13").executable == os.fspath(usual)
    usual.unlink()
    free.rename(free.with_name("python3.13"))
    world.missing("3.13")


def test_another_implementation_is_taken_only_when_asked_for(world: World) -> None:
    pypy = world.fake("pypy3.10", version=[3, 10, 1], implementation="pypy")
    world.fake("python3.10", version=[3, 10, 1], implementation="pypy")
    assert world.find("pypy3.10").executable == os.fspath(pypy)
    world.missing("3.10")


def test_when_none_is_found_every_place_and_what_was_there_is_said(world: World) -> None:
    wrong = world.fake("python3.11", version=[3, 9, 1])
    broken = world.broken("python3")
    mute = world.broken("python", text="echo hello")
    other = world.fake("versions/3.9.1/bin/python", folder=world.pyenv, version=[3, 9, 1])
    error = world.missing("3.11")
    assert error.message == "Python 3.11 was not found"
    assert error.cause.splitlines() == [
        "Looked in this order:",
        f"- {UV_PLACE}: not looked for, as uv is not used",
        f"- pyenv: {other} is cpython 3.9.1",
        f"- PATH: {wrong} is cpython 3.9.1",
        f"- PATH: {broken} does not work (no such library)",
        f"- PATH: {mute} does not work (it did not say what it is)",
    ]
    assert "uv python install 3.11" in error.hint


def test_on_an_empty_machine_the_empty_places_are_said(world: World) -> None:
    error = world.missing("pypy3.11", use_uv=True)
    assert error.cause.splitlines() == [
        "Looked in this order:",
        f"- {UV_PLACE}: nothing",
        f"- pyenv: there is no folder {world.pyenv / 'versions'}",
        "- PATH: nothing",
    ]
    assert "uv python install pypy3.11" in error.hint


@pytest.mark.parametrize("text", ["", "./", "not a number"])
def test_an_answer_that_is_no_answer_is_a_broken_interpreter(world: World, tmp_path: Path, text: str) -> None:
    path = make_script(tmp_path / "mine", f"echo '{text}'")
    error = world.missing(os.fspath(path))
    assert error.message == f"{path} does not work as a Python interpreter"
    assert error.cause == "it did not say what it is"


def test_an_answer_that_is_json_but_no_description_is_a_broken_interpreter(world: World, tmp_path: Path) -> None:
    for number, text in enumerate(("1", "[]", "{}", '{"executable": 1, "version": 3}')):
        path = make_script(tmp_path / f"mine{number}", f"echo '{text}'")
        assert "does not work" in world.missing(os.fspath(path)).message


@pytest.mark.parametrize("is_configured", [True, False])
def test_a_path_names_an_interpreter(world: World, tmp_path: Path, is_configured: bool) -> None:
    path = world.real("mine", folder=tmp_path)
    found = world.find(None, configured=path) if is_configured else world.find(os.fspath(path))
    assert found.executable == os.fspath(path)


def test_a_path_to_the_folder_of_an_environment_names_its_interpreter(world: World, tmp_path: Path) -> None:
    path = world.real("env", "bin", "python", folder=tmp_path)
    assert world.find(os.fspath(tmp_path / "env")).executable == os.fspath(path)


def test_a_path_to_nothing_is_an_error_that_names_it(world: World, tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "nothing")
    assert world.missing(path).message == f"There is no interpreter at {path}"
    error = world.missing(os.fspath(tmp_path))
    assert error.message == f"There is no interpreter at {tmp_path / 'bin' / 'python'}"


def test_a_path_to_what_cannot_be_run_is_an_error_that_says_why(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = world.missing(os.fspath(tmp_path / "file"))
    assert error.cause == "Permission denied"


def test_a_path_to_one_that_is_too_old_is_an_error(world: World, tmp_path: Path) -> None:
    path = world.fake("old", folder=tmp_path, version=[2, 7, 18])
    error = world.missing(os.fspath(path))
    assert error.message == f"{path} (Python 2.7.18) is too old to build with"


def test_what_is_no_interpreter_at_all_is_a_wrong_request(world: World) -> None:
    with pytest.raises(RequestError):
        world.find("latest")


def test_a_wrapper_is_followed_to_what_it_starts(world: World) -> None:
    world.fake("python3.11", version=[3, 11, 1], executable="/real/python3.11")
    assert world.find("3.11").executable == "/real/python3.11"


def test_nothing_in_the_current_folder_is_imported_by_the_question(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "platform.py", "sysconfig.py"):
        (tmp_path / name).write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    world.environ["PYTHONPATH"] = os.fspath(tmp_path)
    world.real("python")
    assert world.find("3").version == sys.version_info[:3]


def test_uvs_own_interpreters_come_first(world: World) -> None:
    """They are where UV_PYTHON_INSTALL_DIR says; an empty folder has none, and pyenv's is next."""
    world.environ["UV_PYTHON_INSTALL_DIR"] = os.fspath(world.path / "none")
    of_pyenv = world.fake("versions/3.11.1/bin/python", folder=world.pyenv, version=[3, 11, 1])
    assert world.find("3.11", use_uv=True).executable == os.fspath(of_pyenv)


def test_an_active_virtual_environment_is_not_uvs_own(world: World, tmp_path: Path) -> None:
    world.real("venv", "bin", "python", folder=tmp_path)
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n")
    world.environ |= {"VIRTUAL_ENV": os.fspath(tmp_path / "venv"), "UV_PYTHON": os.fspath(tmp_path / "venv")}
    world.missing(THIS, use_uv=True)


def test_the_running_interpreter_is_a_base_without_being_asked() -> None:
    base = find_base(None, make_context(environ={}))
    assert (base.executable, base.build) == (sys.executable, sys.version)
    assert base.describe() == running_interpreter()


def test_another_base_is_asked_once_and_has_its_own_build(world: World) -> None:
    log = world.path / "asked"
    answer = json.dumps({**probe.describe(), "executable": "", "build": "3.12.99 (of mine)"})
    python = make_script(world.path / "python3", f"echo >> {log}\n/bin/cat <<'EOF'\n{answer}\nEOF\n")
    base = find_base(os.fspath(python), make_context(environ=world.environ))
    assert (base.executable, base.build) == (os.fspath(python), "3.12.99 (of mine)")
    assert base.describe().build == base.build
    assert log.read_text() == "\n"


def test_a_configured_base_comes_before_the_running_interpreter(world: World) -> None:
    place = world.real("my-python")
    base = find_base(None, make_context(environ=world.environ), configured=place)
    assert base.executable == os.fspath(place)
    assert base.build == sys.version

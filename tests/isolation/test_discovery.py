"""All interpreters of a machine: links to the running one, and scripts that pretend to be others."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from pretenders import make_pretender
from support import Recorder, make_context, make_script

from headless_wheel_builder.errors import InterpreterError, RequestError
from headless_wheel_builder.events import Explained, Noticed
from headless_wheel_builder.isolation import probe
from headless_wheel_builder.isolation.discovery import all_interpreters, find_targets
from headless_wheel_builder.isolation.interpreters import Interpreter, running_interpreter
from headless_wheel_builder.isolation.target import Missing, Target, these_platforms, this_platform

OTHERS = [version for version in ((3, 9), (3, 10), (3, 11), (3, 14)) if version != sys.version_info[:2]]
A, B, C = OTHERS[:3]


class Machine:
    """A machine with nothing but what a test puts there; uv is a script that lists what the test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "bin"
        self.pyenv = root / "pyenv"
        self.path.mkdir()
        self.environ = {"PATH": os.fspath(self.path), "PYENV_ROOT": os.fspath(self.pyenv), "HOME": os.fspath(root)}
        self.recorder = Recorder()

    def on_path(self, name: str, *version: int, folder: str = "bin", free_threaded: bool = False) -> Path:
        return make_pretender(self.root / folder / name, version, free_threaded=free_threaded)

    def of_pyenv(self, *version: int, name: str = "") -> Path:
        folder = name or ".".join(map(str, version))
        return make_pretender(self.pyenv / "versions" / folder / "bin" / "python", version)

    def all(self, *, use_uv: bool = False) -> list[Interpreter]:
        context = make_context(self.recorder, self.environ)
        return all_interpreters(context, use_uv=use_uv)

    def others(self, *, use_uv: bool = False) -> list[str]:
        """Return where all are but the one that runs this."""
        found = self.all(use_uv=use_uv)
        assert any(one.version[:2] == sys.version_info[:2] for one in found)
        return [one.executable for one in found if one.executable != sys.executable]

    def targets(self, *wanted: str, configured: Path | None = None) -> list[Target | Missing]:
        context = make_context(self.recorder, self.environ)
        return find_targets(wanted, context, configured=configured, use_uv=False)

    @property
    def explained(self) -> str:
        return "\n".join(event.message for event in self.recorder.of(Explained))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def listing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a uv whose list of interpreters is the text of a file."""
    answer = machine.root / "list.json"
    program = make_script(machine.root / "uv", f"case $* in *--managed-python*) /bin/cat {answer};; *) exit 1;; esac\n")
    monkeypatch.setattr(
        "headless_wheel_builder.isolation.discovery.find_uv", lambda _: type("Uv", (), {"path": os.fspath(program)})
    )
    return answer


def listed(*interpreters: tuple[str, Path | None]) -> str:
    return json.dumps([{"version": version, "path": path and os.fspath(path)} for version, path in interpreters])


def test_the_running_interpreter_is_always_there(machine: Machine) -> None:
    (found,) = machine.all()
    assert (found.executable, found.version) == (sys.executable, sys.version_info[:3])


def test_there_is_one_for_each_minor_version_the_oldest_first(machine: Machine) -> None:
    later = machine.on_path(f"python3.{B[1]}", *B, 1)
    earlier = machine.on_path(f"python3.{A[1]}", *A, 1)
    machine.on_path(f"python3.{A[1]}", *A, 2, folder="second")
    machine.environ["PATH"] += os.pathsep + os.fspath(machine.root / "second")
    assert machine.others() == [os.fspath(earlier), os.fspath(later)]
    versions = [one.version for one in machine.all()]
    assert versions == sorted(versions)


def test_free_threaded_and_other_implementations_are_others(machine: Machine) -> None:
    plain = machine.on_path("python3.14", 3, 14, 0)
    free = machine.on_path("python3.14t", 3, 14, 0, free_threaded=True)
    pypy = make_pretender(machine.path / "pypy3.11", (3, 11, 13), implementation="pypy")
    assert [os.fspath(one) for one in (plain, free, pypy)] == machine.others()


def test_uvs_own_come_before_pyenvs_and_pyenvs_before_those_on_path(machine: Machine, listing: Path) -> None:
    of_uv = make_pretender(machine.root / "uv-python" / "a" / "bin" / "python", (*A, 3))
    listing.write_text(listed((".".join(map(str, (*A, 3))), of_uv)))
    of_pyenv = {version: machine.of_pyenv(*version, 4) for version in (A, B)}
    on_path = {version: machine.on_path(f"python3.{version[1]}", *version, 5) for version in (A, B, C)}
    expected = {A: of_uv, B: of_pyenv[B], C: on_path[C]}
    assert machine.others(use_uv=True) == [os.fspath(expected[version]) for version in sorted(expected)]
    assert machine.others(use_uv=False)[0] == os.fspath(of_pyenv[A])


def test_the_newest_patch_of_uv_and_of_pyenv_is_taken(machine: Machine, listing: Path) -> None:
    of_uv = {patch: make_pretender(machine.root / f"uv{patch}" / "python", (*A, patch)) for patch in (2, 10, 9)}
    listing.write_text(listed(*((f"{A[0]}.{A[1]}.{patch}", path) for patch, path in of_uv.items()), ("3.7.1", None)))
    of_pyenv = {patch: machine.of_pyenv(*B, patch) for patch in (2, 10, 9)}
    expected = {A: of_uv[10], B: of_pyenv[10]}
    assert machine.others(use_uv=True) == [os.fspath(expected[version]) for version in sorted(expected)]


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[1]", '[{"path": "/x"}]', '[{"path": "/x", "version": null}]'])
def test_a_list_of_uv_that_cannot_be_read_is_said_and_passed_over(machine: Machine, listing: Path, text: str) -> None:
    listing.write_text(text)
    other = machine.on_path(f"python3.{A[1]}", *A, 1)
    assert machine.others(use_uv=True) == [os.fspath(other)]


def test_broken_ones_are_passed_over_and_said(machine: Machine, listing: Path) -> None:
    gone = machine.root / "gone" / "python"
    mute = make_script(machine.root / "uv-python" / "python", "exit 0\n")
    listing.write_text(listed(("3.9.1", gone), ("3.10.1", mute)))
    of_pyenv = make_script(machine.pyenv / "versions" / "3.9.1" / "bin" / "python", "echo no library >&2; exit 127\n")
    (machine.pyenv / "versions" / "3.10.1").mkdir()
    on_path = make_script(machine.path / f"python3.{A[1]}", "echo hello\n")
    (machine.path / f"python3.{B[1]}").write_text("not executable")
    (machine.path / "python3").symlink_to(machine.root / "nowhere")
    right = machine.on_path(f"python3.{A[1]}", *A, 1, folder="second")
    machine.environ["PATH"] = os.pathsep.join(
        ["/missing", "", os.fspath(machine.path), os.fspath(machine.root / "second")]
    )
    assert machine.others(use_uv=True) == [os.fspath(right)]
    for broken in (gone, mute, of_pyenv, on_path):
        assert f"{broken} does not work as a Python interpreter" in machine.explained
    assert "no library" in machine.explained


def test_interpreters_that_are_too_old_are_left_out(machine: Machine) -> None:
    machine.on_path("python3.7", 3, 7, 1)
    machine.on_path("python3", 3, 6, 1, folder="second")
    machine.on_path("python2.7", 2, 7, 1)
    machine.of_pyenv(3, 7, 16)
    machine.environ["PATH"] += os.pathsep + os.fspath(machine.root / "second")
    assert machine.others() == []


def test_what_says_its_version_is_asked_once_only(machine: Machine) -> None:
    first = machine.on_path(f"python3.{A[1]}", *A, 1)
    log = machine.root / "asked"
    make_script(machine.root / "second" / first.name, f"echo >> {log}; exit 1\n")
    machine.environ["PATH"] += os.pathsep + os.fspath(machine.root / "second")
    assert machine.others() == [os.fspath(first)]
    assert not log.exists()


def test_one_interpreter_of_many_names_is_asked_once(machine: Machine) -> None:
    log = machine.root / "asked"
    real = make_script(machine.root / "real", f"echo >> {log}; exit 1\n")
    for name in ("python3", "pypy3", "graalpy3"):
        (machine.path / name).symlink_to(real)
    assert machine.others() == []
    assert log.read_text() == "\n"


@pytest.mark.parametrize("name", ["python", "python2", "python3-config", "python3.9-config", "xpython3", "python3.9.1"])
def test_other_names_on_path_are_not_asked(machine: Machine, name: str) -> None:
    log = machine.root / "asked"
    make_script(machine.path / name, f"echo >> {log}; exit 1\n")
    machine.all()
    assert not log.exists()


def test_a_name_proves_nothing_when_all_are_looked_for(machine: Machine) -> None:
    machine.on_path(f"python3.{A[1]}", *B, 1)
    (other,) = (one for one in machine.all() if one.executable != sys.executable)
    assert other.version == (*B, 1)


def test_a_target_tells_where_the_interpreter_runs(machine: Machine) -> None:
    path = machine.on_path(f"python3.{A[1]}", *A, 1)
    (target,) = machine.targets(os.fspath(path))
    assert target == Target(
        python=os.fspath(path),
        implementation="cpython",
        version=(*A, 1),
        free_threaded=False,
        where=this_platform(),
        platforms=these_platforms(),
    )


def test_targets_come_in_the_order_in_which_they_are_named_each_once(machine: Machine) -> None:
    paths = {version: machine.on_path(f"python3.{version[1]}", *version, 1) for version in (A, B)}
    found = machine.targets(f"3.{B[1]}", "all", f"3.{A[1]}")
    first = found[0]
    assert isinstance(first, Target)
    assert first.python == os.fspath(paths[B])
    assert len({one.identifier for one in found}) == len(found) == 3


def test_of_two_interpreters_of_one_version_the_first_named_is_meant(machine: Machine) -> None:
    machine.on_path(f"python3.{A[1]}", *A, 1)
    mine = make_pretender(machine.root / "mine" / "python", (*A, 9))
    (found,) = machine.targets(os.fspath(mine), f"3.{A[1]}")
    assert isinstance(found, Target)
    assert found.python == os.fspath(mine)


def test_without_a_wish_it_is_the_running_or_the_configured_one(machine: Machine) -> None:
    (found,) = machine.targets()
    assert isinstance(found, Target)
    assert (found.python, found.version) == (sys.executable, running_interpreter().version)
    configured = machine.on_path("mine", *A, 1)
    (found,) = machine.targets(configured=configured)
    assert isinstance(found, Target)
    assert found.version == (*A, 1)


def test_a_configured_interpreter_that_does_not_work_is_an_error(machine: Machine) -> None:
    with pytest.raises(InterpreterError):
        machine.targets(configured=machine.root / "none")


@pytest.mark.parametrize("text", ["3.12", "pypy3.11", "/none/python", "3.7"])
def test_what_is_not_there_is_missing_and_costs_the_others_nothing(machine: Machine, text: str) -> None:
    if text == f"3.{sys.version_info[1]}":
        text = "3.14"
    machine.on_path(f"python3.{A[1]}", *A, 1)
    missing, target = machine.targets(text, f"3.{A[1]}")
    assert isinstance(missing, Missing)
    assert isinstance(target, Target)
    assert missing.identifier == f"{text}-{this_platform()}"
    assert missing.error.hint


def test_what_is_no_interpreter_at_all_is_a_wrong_request_of_the_whole_run(machine: Machine) -> None:
    with pytest.raises(RequestError):
        machine.targets("3.9", "latest")


def counting(path: Path, log: Path, says: str) -> Path:
    answer = json.dumps({**probe.describe(), "executable": says})
    return make_script(path, f"echo asked >> {log}\n/bin/cat <<'EOF'\n{answer}\nEOF\n")


def test_an_interpreter_is_asked_what_it_is_once_until_its_file_changes(tmp_path: Path) -> None:
    log, context = tmp_path / "log", make_context(Recorder(), dict(os.environ))
    python = counting(tmp_path / "python3.12", log, "")
    assert find_targets([os.fspath(python)], context) == find_targets([os.fspath(python)], context)
    assert log.read_text().count("asked") == 1
    counting(python, log, "changed meanwhile")
    find_targets([os.fspath(python)], context)
    assert log.read_text().count("asked") == 2


def test_a_shim_is_asked_each_time_as_it_may_start_another_interpreter(tmp_path: Path) -> None:
    log, context = tmp_path / "log", make_context(Recorder(), dict(os.environ))
    shim = counting(tmp_path / "python3.12", log, sys.executable)
    for _ in range(2):
        find_targets([os.fspath(shim)], context)
    assert log.read_text().count("asked") == 2


def test_a_path_that_is_another_interpreter_of_the_same_version_is_left_out_aloud(tmp_path: Path) -> None:
    one, other = (make_pretender(tmp_path / name / "python3.12", (3, 12, 1)) for name in ("one", "other"))
    recorder = Recorder()
    context = make_context(recorder, dict(os.environ))
    (target,) = find_targets([os.fspath(one), os.fspath(other)], context)
    assert isinstance(target, Target)
    assert target.python == os.fspath(one)
    (notice,) = recorder.of(Noticed)
    assert notice.message == f"{other} is left out: {one} is for {target.identifier} already"

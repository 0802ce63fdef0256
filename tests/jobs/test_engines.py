"""Which engine a task goes to; what engines do with it is tried with real ones in integration/."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from jobs.wanted import project, target
from support import FakeProvisioner, PlainProvisioned, make_context, make_project, wait_for

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.base import Context, PlainSession
from headless_wheel_builder.isolation.capacity import Capacity
from headless_wheel_builder.isolation.target import Missing, Target
from headless_wheel_builder.jobs.engines import EngineCrew, Host, find_hosts, host_for
from headless_wheel_builder.jobs.plan import TargetStrategy
from headless_wheel_builder.jobs.task import SdistTask, Task, WheelTask
from headless_wheel_builder.process import Processes
from headless_wheel_builder.values import changed


class Images(FakeProvisioner):
    """Claims to have images of an architecture, and remembers the contexts of builds, which it holds until told."""

    def __init__(self, site_packages: Path, architecture: str) -> None:
        super().__init__(site_packages)
        self.architecture = architecture
        self.contexts: list[Context] = []
        self.goes_on = threading.Event()

    def targets(self, wanted: Sequence[str], context: Context) -> Sequence[Target | Missing]:
        raise AssertionError(f"asked for {wanted} in {context}")

    def capacity(self, context: Context) -> Capacity:
        raise AssertionError(f"asked in {context}")

    @contextlib.contextmanager
    def session(self, python: str | None, context: Context) -> Iterator[PlainSession]:
        self.contexts.append(context)
        self.goes_on.wait(20)
        with super().session(python, context) as session:
            yield session


def host(address: str, architecture: str, slots: int = 1) -> Host:
    return Host(address=address, slots=slots, capacity=Capacity(4, 2**40, architecture=architecture))


INTEL, ARM = host("unix:///intel.sock", "x86_64"), host("unix:///arm.sock", "aarch64")


class Builds:
    """A crew, and tasks for it.

    :param hosts: the engines
    """

    def __init__(self, folder: Path, hosts: Sequence[Host]) -> None:
        self._folder = folder
        self._source = make_project(folder / "project")
        self._strategies: list[Images] = []
        self.crew = EngineCrew(hosts)
        self.processes = Processes()
        self._number = 0

    def task(self, architecture: str) -> WheelTask:
        where = changed(target(), where=f"manylinux_{architecture}")
        return WheelTask(project=self._project, target=where, strategy=self._images(architecture))

    def sdist(self, architecture: str) -> SdistTask:
        return SdistTask(project=self._project, python=None, strategy=self._images(architecture))

    def begin(self, task: Task, **environ: str) -> str:
        """Begin a task, and return the engine that it went to."""
        assert self.crew.has_room(task)
        self._number += 1
        folder = self._folder / f"folder{self._number}"
        folder.mkdir()
        source = self._source.home / "pkg-1.0.tar.gz" if isinstance(task, WheelTask) else self._source.source
        context = make_context(environ={"PATH": "", **environ}, processes=self.processes)
        self.crew.submit(task, str(source), str(folder), context)
        strategy = task.strategy
        assert isinstance(strategy, Images)
        wait_for(lambda: strategy.contexts)
        self.context = strategy.contexts[-1]
        return self.context.environ["DOCKER_HOST"]

    def end(self) -> None:
        """Let all tasks end."""
        for strategy in self._strategies:
            strategy.goes_on.set()

    @property
    def _project(self):  # noqa: ANN202 - a `Project`
        return project(self._source.home / "pkg-1.0.tar.gz")

    def _images(self, architecture: str) -> Images:
        self._strategies.append(Images(self._folder / "site-packages", architecture))
        return self._strategies[-1]


@pytest.fixture
def builds() -> Iterator[list[Builds]]:
    """Collect what a test begins, which is ended with it."""
    made: list[Builds] = []
    yield made
    for one in made:
        one.end()
        one.crew.shutdown()


def at(builds: list[Builds], tmp_path: Path, *hosts: Host) -> Builds:
    builds.append(Builds(tmp_path, hosts))
    return builds[-1]


def test_the_pretended_images_are_a_strategy_of_targets(tmp_path: Path) -> None:
    assert isinstance(Images(tmp_path / "site-packages", "x86_64"), TargetStrategy)
    assert PlainProvisioned(tmp_path).wants_requirements


@pytest.mark.parametrize("hosts", [(INTEL, ARM), (ARM, INTEL)])
@pytest.mark.parametrize(
    ("architecture", "native"), [("x86_64", INTEL), ("i686", INTEL), ("aarch64", ARM), ("armv7l", ARM)]
)
def test_a_target_goes_to_the_engine_that_is_native_for_it(
    tmp_path: Path, builds: list[Builds], hosts: tuple[Host, ...], architecture: str, native: Host
) -> None:
    one = at(builds, tmp_path, *hosts)
    assert one.begin(one.task(architecture)) == native.address


@pytest.mark.parametrize("hosts", [(INTEL, ARM), (ARM, INTEL)])
def test_an_sdist_goes_where_its_image_is_native(tmp_path: Path, builds: list[Builds], hosts: tuple[Host, ...]) -> None:
    one = at(builds, tmp_path, *hosts)
    assert one.begin(one.sdist("aarch64")) == ARM.address


def test_a_target_waits_for_its_native_engine_though_another_has_room(tmp_path: Path, builds: list[Builds]) -> None:
    one = at(builds, tmp_path, INTEL, ARM)
    one.begin(one.task("aarch64"))
    assert not one.crew.has_room(one.task("aarch64"))
    assert one.crew.has_room(one.task("x86_64"))
    one.end()
    wait_for(lambda: one.crew.has_room(one.task("aarch64")))


def test_a_target_that_no_engine_is_native_for_is_emulated(tmp_path: Path, builds: list[Builds]) -> None:
    one = at(builds, tmp_path, INTEL, ARM)
    assert {one.begin(one.task("s390x")), one.begin(one.task("s390x"))} == {INTEL.address, ARM.address}
    assert not one.crew.has_room(one.task("s390x"))


def test_tasks_go_where_there_is_most_room(tmp_path: Path, builds: list[Builds]) -> None:
    big, small = host("unix:///big.sock", "x86_64", 3), host("unix:///small.sock", "x86_64", 1)
    one = at(builds, tmp_path, small, big)
    begun = [one.begin(one.task("x86_64")) for _ in range(4)]
    assert begun[:2] == [big.address, big.address]
    assert sorted(begun) == sorted([big.address] * 3 + [small.address])
    assert not one.crew.has_room(one.task("x86_64"))


def test_an_engine_without_room_takes_nothing(tmp_path: Path, builds: list[Builds]) -> None:
    one = at(builds, tmp_path, INTEL)
    one.begin(one.task("x86_64"))
    with pytest.raises(ValueError, match="no engine has room"):
        one.crew.submit(one.task("x86_64"), "", "", make_context())


def test_what_else_names_an_engine_does_not_win(tmp_path: Path, builds: list[Builds]) -> None:
    one = at(builds, tmp_path, INTEL)
    variables = {"DOCKER_HOST": "unix:///another.sock", "DOCKER_CONTEXT": "far", "DOCKER_TLS_VERIFY": "1"}
    assert one.begin(one.task("x86_64"), **variables) == INTEL.address
    assert "DOCKER_CONTEXT" not in one.context.environ
    # How one is talked to is the same for all.
    assert one.context.environ["DOCKER_TLS_VERIFY"] == "1"


def test_hooks_are_told_their_share_of_the_engines_machine(tmp_path: Path, builds: list[Builds]) -> None:
    one = at(builds, tmp_path, host("unix:///intel.sock", "x86_64", 2))
    one.begin(one.task("x86_64"))
    assert one.context.share["MAX_JOBS"] == "2"
    one.begin(one.task("x86_64"), MAX_JOBS="1")
    assert one.context.environ["MAX_JOBS"] == "1"


def test_no_engine_is_an_error() -> None:
    with pytest.raises(RequestError, match="There is no engine"):
        EngineCrew([])


def test_each_engine_is_asked_once_what_it_can_do() -> None:
    asked: list[str] = []

    def ask(address: str) -> Capacity:
        asked.append(address)
        return Capacity(len(address), 2**40, architecture="x86_64")

    found = find_hosts(["a", "bbb", "a"], ask, None)
    assert asked == ["a", "bbb"]
    assert [(one.address, one.slots) for one in found] == [("a", 1), ("bbb", 3)]
    assert [one.slots for one in find_hosts(["a", "bbb"], ask, 2)] == [2, 2]


def test_images_are_looked_at_where_they_are_native() -> None:
    assert host_for([INTEL, ARM], "armv7l") is ARM
    assert host_for([ARM, INTEL], "i686") is INTEL
    assert host_for([ARM, INTEL], "riscv64") is ARM

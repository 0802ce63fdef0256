"""The image of last time is used at once, and only for as long as it is known to be the right one."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from fake_engine import BASE, PYTHON, FakeApi, Ran, image, make_place
from support import Recorder, wait_for

from headless_wheel_builder.errors import DependencyError, IsolationError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.hooks.channel import Frame
from headless_wheel_builder.hooks.launcher import BackendPlace
from headless_wheel_builder.isolation.base import OutdatedError
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.commit import Commit
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.contents import Contents
from headless_wheel_builder.isolation.docker.installing import REPORT, RESOLVED
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.provisioned import Provisioned
from headless_wheel_builder.isolation.docker.provisioned_images import FULL, ProvisionedImages
from headless_wheel_builder.values import changed

REQUIREMENTS = f"{programs.SCRATCH}/requirements.txt"
FLIT = ("flit_core",)
HATCH = ("hatchling",)


class Index:
    """A container's uv, for an index whose newest versions the test sets."""

    def __init__(self, **newest: str) -> None:
        self.newest = newest
        self.installed: dict[str, str] = {}
        self.resolved = 0
        # When what it is asked is too large for where it is asked, counted from one.
        self.is_full = 0
        # What installers say when they fail, the next one last.
        self.fails: list[str] = []
        self.suffix = " --hash=sha256:00"
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, argv: list[str], request: Frame) -> Ran:
        match argv:
            case [_, *rest] if "compile" in rest or "--dry-run" in rest:
                self.resolved += 1
                assert self.answers.wait(20)
                if self.is_full and self.resolved == self.is_full:
                    return Ran(2, FULL)
                self._asked = request["write"][REQUIREMENTS].split()
                return Ran(0 if set(self._asked) <= self.newest.keys() else 1, "no such project")
            case [_, "pip", "install", *_] | [_, "-I", _, "install", *_]:
                if self.fails:
                    return Ran(2, self.fails.pop())
                lines = request["write"][RESOLVED].splitlines()
                self.installed = dict(line.partition(" ")[0].split("==") for line in lines)
            case ["true"]:
                return Ran(files={RESOLVED: "".join(map(self._line, self._asked)), REPORT: self._report()})
            case [programs.PACKER | programs.FORGET, answer, *_]:
                return Ran(files={answer: "true"})
            case [programs.INSTALLED, answer, _]:
                return Ran(files={answer: json.dumps(_described(self.installed))})
        return Ran()

    def _line(self, name: str) -> str:
        return f"{name}=={self.newest[name]}{self.suffix}\n"

    def _report(self) -> str:
        info = {"archive_info": {"hashes": {"sha256": "00"}}}
        found = [{"name": name, "version": self.newest[name]} for name in self._asked]
        return json.dumps({"install": [{"metadata": one, "is_direct": False, "download_info": info} for one in found]})


def _described(installed: dict[str, str]) -> dict[str, dict[str, str]]:
    return {
        f"{name}-{version}.dist-info": {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            "RECORD": f"{name}/__init__.py,,\n",
        }
        for name, version in installed.items()
    }


class Builds:
    """One build after the other, on one engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = Index(flit_core="3.9", hatchling="1.26")
        self.api = FakeApi(self.index)
        self.recorder = Recorder()
        self.environ: dict[str, str] = {}

    def place(self, config: DockerConfig | None = None) -> Place:
        place = make_place(self.folder, self.api, config=config, environ=self.environ, recorder=self.recorder)
        self.engine = place.engine
        return place

    def begin(self, config: DockerConfig | None = None) -> ProvisionedImages:
        place = self.place(config)
        return ProvisionedImages(place, place.surroundings.find(PYTHON))  # type: ignore[arg-type]

    def build(self, *wanted: tuple[str, ...], config: DockerConfig | None = None) -> list[Provisioned]:
        """Build with what is wanted, as often as it takes."""
        images = self.begin(config)
        try:
            for _ in range(3):
                made = [images.make(one) for one in wanted]
                try:
                    images.confirm()
                except OutdatedError:
                    continue
                return [changed(one, made=one.image) for one in made]
            raise AssertionError("it builds again and again")
        finally:
            images.close()
            self.engine.settle()


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path)


def test_the_second_build_has_the_image_of_the_first(builds: Builds) -> None:
    (first,) = builds.build(FLIT)
    (second,) = builds.build(FLIT)
    assert second == first
    assert first.contents.installed() == {"flit-core": "3.9"}
    assert builds.index.resolved == 2
    assert builds.api.kept[first.image]["Of"] == "sha256:base"


def test_a_guess_is_there_before_the_index_is_asked(builds: Builds) -> None:
    (first,) = builds.build(FLIT)
    images = builds.begin()
    assert images.make(FLIT) == first
    assert builds.index.resolved == 1
    images.close()
    assert builds.index.resolved == 1


def test_a_guess_that_is_outdated_says_what_the_index_has_now(builds: Builds) -> None:
    builds.build(FLIT)
    builds.index.newest["flit_core"] = "4.0"
    images = builds.begin()
    images.make(FLIT)
    images.ask()
    with pytest.raises(OutdatedError, match=r"The index now has flit-core 4\.0 instead of 3\.9: building again"):
        images.confirm()
    images.close()


def test_what_is_outdated_is_made_anew_once_and_kept(builds: Builds) -> None:
    (old,) = builds.build(FLIT)
    builds.index.newest["flit_core"] = "4.0"
    (new,) = builds.build(FLIT)
    assert new.image != old.image
    assert new.contents.installed() == {"flit-core": "4.0"}
    # Nobody asks twice in one build.
    assert builds.index.resolved == 2
    assert builds.build(FLIT) == [new]


def test_a_guess_beside_one_that_is_outdated_may_still_be_right(builds: Builds) -> None:
    flit, hatch = builds.build(FLIT, HATCH)
    builds.index.newest["flit_core"] = "4.0"
    new_flit, new_hatch = builds.build(FLIT, HATCH)
    assert new_hatch == hatch
    assert new_flit != flit


@pytest.mark.parametrize(
    ("answered", "asks_again"),
    [
        (Ran(printed="flit_core==3.9 --hash=sha256:00\n"), False),
        (Ran(printed="flit_core==4.0 --hash=sha256:00\n"), True),
        (Ran(code=1, printed="flit_core==3.9 --hash=sha256:00\n"), True),
        (None, True),
    ],
    ids=["right", "wrong", "failed", "gone"],
)
def test_what_is_found_beside_hooks_counts_only_if_it_is_what_is_used(
    builds: Builds, answered: Ran | None, asks_again: bool
) -> None:
    (first,) = builds.build(FLIT)
    builds.api.answered = answered
    made = len(builds.api.made)
    images = builds.begin()
    assert images.make(FLIT) == first
    question = images.question(images.make(FLIT))
    assert question is not None
    images.hosted(first.image, question, "hooks")
    images.confirm()
    assert [(one, tuple(argv)) for one, argv, _ in builds.api.beside] == [("hooks", question.argv)]
    assert len(builds.api.made) == made + asks_again
    assert images.question(images.make(FLIT)) is None
    images.close()


def test_an_image_is_made_while_the_container_is_there_for_its_own_interpreter(builds: Builds) -> None:
    builds.api.may_commit.clear()
    images = builds.begin()
    made = images.make(FLIT)
    taken = images.take(made)
    assert taken is not None
    assert images.take(made) is None
    builds.api.may_commit.set()
    assert builds.api.kept[made.image]["Of"] == "sha256:base"
    assert builds.api.paused == [False]
    taken.opened.close()
    images.close()


def test_an_image_has_the_bytecode_of_what_repairs_wheels(builds: Builds) -> None:
    builds.api.may_be_ready.clear()
    images = builds.begin()
    made = images.make(FLIT).made
    assert isinstance(made, Commit)
    made.begin()
    time.sleep(0.05)
    assert list(builds.api.kept) == [BASE]
    builds.api.may_be_ready.set()
    assert builds.api.kept[made.image]["Of"] == "sha256:base"
    images.close()


@pytest.mark.parametrize("is_compiled", [True, False])
def test_an_image_waits_for_the_backend_where_the_standard_library_has_no_bytecode(
    builds: Builds, is_compiled: bool
) -> None:
    place = builds.place()
    interpreter = changed(place.surroundings.newest(), is_compiled=is_compiled)
    images = ProvisionedImages(place, interpreter)
    made = images.make(FLIT).made
    assert isinstance(made, Commit)
    assert made.is_begun is is_compiled
    images.close()
    builds.engine.settle()


def test_an_image_that_nobody_wanted_before_the_build_ended_is_not_made(builds: Builds) -> None:
    images = builds.begin()
    images.make(FLIT)
    images.close()
    builds.engine.settle()
    assert list(builds.api.kept) == [BASE]
    assert builds.build(FLIT)[0].image in builds.api.kept


def test_nothing_is_got_ready_for_repairs_that_are_not_wanted(builds: Builds) -> None:
    builds.api.may_be_ready.clear()
    (made,) = builds.build(FLIT, config=DockerConfig(repair_wheel=False))
    assert made.image in builds.api.kept


def test_nothing_runs_where_something_was_installed_with_passwords(builds: Builds) -> None:
    builds.environ["UV_INDEX_URL"] = "https://me:secret@index.example/simple"
    images = builds.begin()
    made = images.make(FLIT)
    assert images.take(made) is None
    images.close()


def test_an_image_that_cannot_be_made_is_an_error_for_whoever_needs_it(builds: Builds) -> None:
    builds.api.is_full = True
    images = builds.begin()
    made = images.make(FLIT)
    with pytest.raises(IsolationError, match="could not be kept as an image") as caught:
        raise AssertionError(made.image)
    assert "no space left" in caught.value.cause
    images.close()


def test_nobody_asks_again_when_the_hooks_have_ended_because_the_build_has(builds: Builds) -> None:
    (first,) = builds.build(FLIT)
    made = len(builds.api.made)
    images = builds.begin()
    assert images.make(FLIT) == first
    question = images.question(images.make(FLIT))
    assert question is not None
    images.hosted(first.image, question, "hooks")
    images.give_up()
    images.ask()
    images.close()
    assert len(builds.api.beside) == 1
    assert len(builds.api.made) == made


def test_an_image_that_is_no_guess_has_nothing_to_be_asked_beside_its_hooks(builds: Builds) -> None:
    images = builds.begin()
    assert images.question(images.make(FLIT)) is None
    images.close()


def test_requirements_that_are_gone_are_an_error_although_there_is_an_image(builds: Builds) -> None:
    builds.build(FLIT)
    del builds.index.newest["flit_core"]
    with pytest.raises(DependencyError, match="could not be installed"):
        builds.build(FLIT)


def test_an_image_that_somebody_removed_is_made_again(builds: Builds) -> None:
    (first,) = builds.build(FLIT)
    builds.api.remove_image(first.image)
    (second,) = builds.build(FLIT)
    assert second.image != first.image
    assert second.contents == first.contents


@pytest.mark.parametrize(
    "config", [DockerConfig(constraints="c.txt"), DockerConfig(use_uv=False)], ids=["constraints", "installer"]
)
def test_what_decides_about_an_environment_makes_it_another(
    builds: Builds, config: DockerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.txt").write_text("flit_core<4\n")
    (first,) = builds.build(FLIT)
    (second,) = builds.build(FLIT, config=config)
    assert second.image != first.image
    assert second.contents == first.contents
    assert (builds.build(FLIT), builds.build(FLIT, config=config)) == ([first], [second])


def test_nothing_is_kept_if_the_user_wants_a_fresh_one(builds: Builds) -> None:
    config = DockerConfig(cache_envs=False)
    (first,) = builds.build(FLIT, config=config)
    assert first.key == ""
    assert first.image in builds.api.gone
    (second,) = builds.build(FLIT, config=config)
    assert second.image != first.image


def test_what_may_change_without_another_version_is_not_kept(builds: Builds) -> None:
    builds.index.suffix = ""
    (made,) = builds.build(FLIT)
    assert made.key == ""
    assert made.image in builds.api.gone


def test_requirements_are_provisioned_once_a_build(builds: Builds) -> None:
    images = builds.begin()
    assert images.make(FLIT) is images.make(FLIT)
    images.close()


def test_an_image_that_was_lent_is_used_and_not_removed(builds: Builds) -> None:
    lent = Provisioned("sha256:lent", "", Contents("/hwb/env", {}))
    builds.api.kept["sha256:lent"] = image("sha256:lent")
    images = builds.begin()
    images.lend(("b", "a", "a"), lent)
    assert images.make(("a", "b")) is lent
    images.close()
    assert builds.api.gone == []


def test_no_container_is_left(builds: Builds) -> None:
    builds.build(FLIT)
    builds.build(FLIT)
    assert builds.api.made.keys() <= set(builds.api.gone)


def test_a_build_that_ends_early_does_not_wait_for_the_index(builds: Builds) -> None:
    builds.build(FLIT)
    builds.index.answers.clear()
    images = builds.begin()
    images.make(FLIT)
    images.ask()
    wait_for(lambda: builds.index.resolved == 2)
    images.close()
    builds.engine.settle()
    assert not builds.index.answers.is_set()
    assert builds.api.made.keys() <= set(builds.api.gone)
    builds.index.answers.set()


def test_what_hooks_imported_is_known_to_the_next_build(builds: Builds) -> None:
    backend = BackendPlace("/source", "flit_core.buildapi", hooks=("build_wheel",))
    for expected in ([], ["json"]):
        images = builds.begin()
        memory = images.memory(images.make(FLIT), backend)
        assert memory is not None
        assert memory.own == ["flit_core"]
        assert memory.preload(backend) == expected
        memory.learn("build_wheel", ["json"])
        images.close()


def test_nothing_is_learnt_in_an_image_that_is_not_kept(builds: Builds) -> None:
    images = builds.begin(DockerConfig(cache_envs=False))
    assert images.memory(images.make(FLIT), BackendPlace("/source", "flit_core")) is None
    images.close()


def test_programs_that_install_get_what_the_caller_set_and_hooks_get_no_password(builds: Builds) -> None:
    environ = {"UV_INDEX_URL": "https://me:secret@index.example/simple"}
    place = make_place(builds.folder, builds.api, environ=environ)
    images = ProvisionedImages(place, place.surroundings.newest())
    made = images.make(FLIT)
    images.close()
    (container,) = builds.api.made.values()
    asked = [one for one in container.requests if "compile" in one["run"]]
    assert asked[0]["environ"]["UV_INDEX_URL"] == environ["UV_INDEX_URL"]
    assert "secret" not in json.dumps(builds.api.kept[made.image])


def packed(builds: Builds) -> list[bool]:
    """Tell of each container, in order, whether an environment became one file in it."""
    return [any(programs.PACKER in one["run"] for one in made.requests) for made in builds.api.made.values()]


def in_memory(builds: Builds) -> list[bool]:
    """Tell of each container, in order, whether its environment was in memory."""
    return [made.config["host_config"]["tmpfs"] is not None for made in builds.api.made.values()]


def test_an_environment_is_in_memory_and_one_file_in_its_image(builds: Builds) -> None:
    (made,) = builds.build(FLIT)
    assert made.is_packed
    assert (packed(builds), in_memory(builds)) == ([True], [True])


def test_where_memory_is_limited_no_environment_takes_of_it(builds: Builds) -> None:
    (made,) = builds.build(FLIT, config=DockerConfig(memory_limit="64m"))
    assert not made.is_packed
    assert (packed(builds), in_memory(builds)) == ([False], [False])
    (other,) = builds.build(FLIT)
    assert other.image != made.image


def test_an_environment_that_is_too_large_for_memory_is_made_on_disk_which_is_said(builds: Builds) -> None:
    builds.index.fails = ["error: failed to copy: No space left on device (os error 28)"]
    (made,) = builds.build(FLIT)
    assert not made.is_packed
    assert (packed(builds), in_memory(builds)) == ([False, False], [True, False])
    assert [event.message for event in builds.recorder.of(Noticed)] == [
        "The environment is too large to be in memory: it is made on disk"
    ]


def test_what_is_too_large_to_be_resolved_in_memory_is_resolved_on_disk(builds: Builds) -> None:
    builds.index.is_full = 1
    (made,) = builds.build(FLIT)
    assert (made.is_packed, in_memory(builds)) == (False, [True, False])
    assert builds.build(FLIT) == [made]
    assert in_memory(builds)[2:] == [False]


def test_a_version_that_is_too_large_to_be_resolved_in_memory_is_found_all_the_same(builds: Builds) -> None:
    builds.build(FLIT)
    builds.index.newest["flit_core"] = "4.0"
    builds.index.is_full = builds.index.resolved + 1
    (made,) = builds.build(FLIT)
    assert made.contents.installed() == {"flit-core": "4.0"}
    assert in_memory(builds)[1:3] == [True, False]


@pytest.mark.parametrize("said", [["no such file"], ["No space left on device"] * 2], ids=["another", "disk"])
def test_what_else_fails_is_not_tried_on_disk_and_what_fails_there_is_an_error(builds: Builds, said: list[str]) -> None:
    builds.index.fails = [*said]
    with pytest.raises(DependencyError):
        builds.build(FLIT)
    assert len(builds.api.made) == len(said)

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from fake_engine import PYTHON, FakeApi, Ran, engine, facts
from support import Recorder, make_context

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.images import find_image
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.keeper import Keeper
from headless_wheel_builder.isolation.store import Store
from headless_wheel_builder.process import Processes


class Unknown(FakeApi):
    """An engine with an image that nothing is known of."""

    def __init__(self) -> None:
        super().__init__(lambda argv, _request: Ran(files={argv[1]: json.dumps(facts())}))

    def start(self, one: str) -> None:
        if self.made[one].config["Cmd"][0] not in {PYTHON, None}:
            raise APIError("no such file or directory")
        super().start(one)

    def get_archive(self, one: str, path: str) -> tuple[Any, dict[str, Any]]:
        assert (one in self.made, path) == (True, PYTHON)
        with Path(__file__).open("rb") as file:
            return file, {}

    def running(self) -> list[str]:
        """Return the containers that nobody removed."""
        return sorted(self.made.keys() - set(self.gone))


class Places:
    """Makes places on one engine, which know what those before found out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.api = Unknown()
        self.engine = engine(self.api)

    def make(self, guess: str = "", config: DockerConfig | None = None) -> Place:
        recorder = Recorder()
        keeper = Keeper(Store(str(self._folder / "store")), recorder)
        context = make_context(recorder, {"HOME": str(self._folder), "PIP_CONFIG_FILE": "/dev/null"})
        config = config or DockerConfig()
        return Place(self.engine, find_image(config), config, context, keeper, guess=guess)

    def close(self) -> None:
        for made in self.api.made.values():
            made.stream.close()


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path)
    yield places
    places.close()


def test_an_image_is_looked_at_once(places: Places) -> None:
    first = places.make()
    first.close()
    first.engine.close()
    made = len(places.api.made)
    assert places.make().surroundings == first.surroundings
    assert len(places.api.made) == made
    assert places.api.running() == []


@pytest.mark.parametrize(
    ("guess", "made"), [(PYTHON, 1), ("/opt/python/cp398-cp398/bin/python", 3)], ids=["right", "wrong"]
)
def test_a_guess_spares_the_search_for_an_interpreter_if_it_is_right(places: Places, guess: str, made: int) -> None:
    places.make(guess).close()
    places.engine.settle()
    assert len(places.api.made) == made
    assert places.api.running() == []


def test_what_was_found_out_of_one_interpreter_does_for_builds_with_that_one(places: Places) -> None:
    places.make(PYTHON).close()
    made = len(places.api.made)
    places.make(PYTHON).close()
    assert len(places.api.made) == made
    places.make("/opt/python/cp398-cp398/bin/python").close()
    assert len(places.api.made) == made + 3
    places.make(PYTHON).close()
    places.make("/opt/python/cp397-cp397/bin/python").close()
    assert len(places.api.made) == made + 3
    places.engine.settle()


def test_the_container_in_which_an_image_was_looked_at_is_the_one_to_provision_in(places: Places) -> None:
    place = places.make()
    (looked,) = places.api.running()
    with place.workshop(place.context.processes, [], PYTHON) as workshop:
        assert workshop.container.name == looked
    place.engine.settle()
    assert places.api.running() == []
    with place.workshop(place.context.processes, [], PYTHON) as workshop:
        assert workshop.container.name != looked
    place.close()
    place.engine.close()
    assert places.api.running() == []


@pytest.mark.parametrize(("limit", "is_reused"), [("64m", True), (None, False)])
def test_what_is_to_be_on_disk_is_provisioned_there_only_if_that_is_so(
    places: Places, limit: str | None, is_reused: bool
) -> None:
    place = places.make(PYTHON, DockerConfig(memory_limit=limit))
    (looked,) = places.api.running()
    with place.workshop(place.context.processes, [], PYTHON, in_memory=False) as workshop:
        assert (workshop.container.name == looked) is is_reused
        assert not workshop.container.plan.in_memory
    place.close()


def test_a_container_of_an_image_that_lacks_something_is_not_the_one_to_provision_in(places: Places) -> None:
    place = places.make()
    (looked,) = places.api.running()
    places.api.kept["sha256:more"] = places.api.kept["sha256:base"]
    place.move("sha256:more", facts())
    with place.workshop(place.context.processes, [], PYTHON) as workshop:
        assert workshop.container.name != looked
        assert places.api.made[workshop.container.name].config["Image"] == "sha256:more"
    place.engine.settle()
    assert places.api.running() == []


def test_what_is_ended_apart_from_the_build_has_a_container_of_its_own(places: Places) -> None:
    place = places.make()
    (looked,) = places.api.running()
    with place.workshop(Processes(), [], PYTHON) as workshop:
        assert workshop.container.name != looked
    place.close()
    place.engine.close()
    assert places.api.running() == []


def test_nothing_is_left_of_an_image_that_cannot_tell_what_it_has(places: Places) -> None:
    places.api.program = lambda _argv, _request: Ran(1, "broken")
    with contextlib.closing(places.engine), pytest.raises(IsolationError, match=r"look\.py failed"):
        places.make()
    assert places.api.running() == []

"""Whatever answers at the address of an engine, nobody trips over it."""

from __future__ import annotations

import json

import pytest
from hostile.answers_of_engines import ASKED, WANTED, Answers, connected

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.events import LayerProgress, silent
from headless_wheel_builder.isolation.docker.inspection import facts_on
from headless_wheel_builder.isolation.docker.progress import Layers
from headless_wheel_builder.isolation.docker.pulling import Patience, image_id
from headless_wheel_builder.isolation.docker.surroundings import has_policy
from headless_wheel_builder.process import Processes

VERSION = {"ApiVersion": "1.41"}
IMAGE = {"Id": "sha256:a", "Os": "linux", "Architecture": "amd64"}


def answers(path: str = "", answer: object = None, *, status: int = 200) -> Answers:
    """Return usual answers, and one that is not."""
    usual = {asked: (200, json.dumps(body).encode()) for asked, body in ASKED.items()}
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return {**usual, **({path: (status, body)} if path else {})}


def test_usual_answers_are_understood() -> None:
    with connected(answers()) as engine:
        assert facts_on(engine, WANTED)["id"] == "sha256:a"
        assert (engine.is_podman, engine.init.is_wanted(), has_policy(engine, "sha256:a")) == (False, True, False)


@pytest.mark.parametrize("body", [b'{"error": "x"}', b"[]", b"null", b'"x"', b'{"message": 5}'])
def test_an_error_that_does_not_say_why_is_told_as_one(body: bytes) -> None:
    with pytest.raises(IsolationError, match="500, and not why"), connected(answers("/version", body, status=500)):
        pass


@pytest.mark.parametrize("body", [b"[" * 100_000, b"9" * 5000])
def test_json_that_python_cannot_take_is_no_engine(body: bytes) -> None:
    with pytest.raises(IsolationError, match="something else"), connected(answers("/version", body)):
        pass


@pytest.mark.parametrize("parts", [5, [5], [{"Name": []}], {"Name": "Podman"}, None])
def test_an_engine_may_consist_of_anything(parts: object) -> None:
    with connected(answers("/version", {**VERSION, "Components": parts})) as engine:
        assert not engine.is_podman


@pytest.mark.parametrize("facts", [[], {"InitCommit": 5}, {"InitCommit": {"ID": []}}])
def test_what_an_engine_says_of_its_init_may_be_anything(facts: object) -> None:
    with connected({**answers("/info", facts), "/version": (200, json.dumps(VERSION).encode())}) as engine:
        assert engine.init.is_wanted()


@pytest.mark.parametrize(
    "facts",
    [
        [], None, "x", {}, {**IMAGE, "Id": 5}, {**IMAGE, "Id": ""}, {**IMAGE, "Os": ["linux"]}, {**IMAGE, "Config": 5},
        {**IMAGE, "Config": {"Labels": [1]}}, {**IMAGE, "Config": {"Env": 5}}, {**IMAGE, "Config": {"Env": [5]}},
        {**IMAGE, "RepoDigests": 5},
    ],
)  # fmt: skip
def test_what_nobody_says_of_an_image_is_an_error(facts: object) -> None:
    with connected(answers("/json", facts)) as engine:
        for ask in (facts_on, lambda engine, _: has_policy(engine, "sha256:a")):
            with pytest.raises(IsolationError, match="nothing that an engine says"):
                ask(engine, WANTED)


@pytest.mark.parametrize("listed", [{}, 5, [5], [{"Id": "a", "RepoDigests": [5]}]])
def test_what_is_no_list_of_images_is_an_error(listed: object) -> None:
    missing = {"/json": (404, b'{"message": "no such image"}')}
    with (
        connected({**answers("/images/json", listed), **missing}) as engine,
        pytest.raises(IsolationError, match="nothing that an engine says"),
    ):
        facts_on(engine, WANTED)


@pytest.mark.parametrize("message", [b"5", b'"x"', b"[[]]", b"[" * 100_000, b'{"error": {}}'])
def test_what_comes_while_an_image_is_pulled_may_be_anything(message: bytes) -> None:
    missing = {"/json": (404, b'{"message": "no such image"}')}
    with (
        connected({**answers("/images/create", message), **missing, "/images/json": (200, b"[]")}) as engine,
        pytest.raises(IsolationError),
    ):
        image_id(engine, WANTED, silent, Processes(), Patience(waits=()))


@pytest.mark.parametrize(
    ("detail", "numbers"),
    [
        (5, (0, 0)),
        ("x", (0, 0)),
        ({"total": "x", "current": []}, (0, 0)),
        ({"total": -5, "current": 10**30}, (2**63, 0)),
    ],
)
def test_what_is_no_progress_counts_nothing(detail: object, numbers: tuple[int, int]) -> None:
    heard: list[LayerProgress] = []
    Layers(heard.append).hear({"status": "Downloading", "id": "a", "progressDetail": detail})  # type: ignore[arg-type]
    assert [(one.current, one.total) for one in heard] == [numbers]

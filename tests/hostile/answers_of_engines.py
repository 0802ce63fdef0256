"""What answers at the address of an engine, and may be none."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import docker
import requests
import urllib3
from hostile.answers import VALUES
from hostile.properties import only_our_errors
from hypothesis import strategies as st

from headless_wheel_builder.events import silent
from headless_wheel_builder.isolation.docker.endpoint import Endpoint
from headless_wheel_builder.isolation.docker.engine import Engine, connect
from headless_wheel_builder.isolation.docker.images import PLATFORMS, Image
from headless_wheel_builder.isolation.docker.inspection import facts_on
from headless_wheel_builder.isolation.docker.pulling import Patience, image_id
from headless_wheel_builder.isolation.docker.surroundings import has_policy
from headless_wheel_builder.process import Processes

DIGEST = "sha256:" + "d" * 64
WANTED = Image(f"own@{DIGEST}", "x86_64", PLATFORMS["x86_64"], "own")
# Of each request: how its path ends, and what is usual to answer.
ASKED: Mapping[str, object] = {
    "/version": {"ApiVersion": "1.41", "Version": "20.10", "Components": [{"Name": "Engine"}]},
    "/info": {"InitCommit": {"ID": "de40ad0"}},
    "/images/json": [{"Id": "sha256:a", "RepoDigests": [f"other@{DIGEST}"]}],
    "/images/create": {"status": "Downloading", "id": "a", "progressDetail": {"current": 1, "total": 2}},
    "/json": {
        "Id": "sha256:a",
        "Os": "linux",
        "Architecture": "amd64",
        "Config": {"Env": ["A=1"], "Labels": {"a": ""}},
    },
}
Answers = Mapping[str, tuple[int, bytes]]


def spoiled(usual: object) -> st.SearchStrategy[object]:
    """Return what has something else in one of its places, or is something else."""
    if isinstance(usual, dict):
        one = st.sampled_from(sorted(usual)).flatmap(
            lambda key: spoiled(usual[key]).map(lambda inner: {**usual, key: inner})
        )
        return st.one_of(VALUES, one, one)
    return st.one_of(VALUES, spoiled(usual[0]).map(lambda inner: [inner])) if isinstance(usual, list) else VALUES


def _answer(usual: object) -> st.SearchStrategy[tuple[int, bytes]]:
    said = st.one_of(st.just(usual), st.just(usual), spoiled(usual)).map(lambda one: json.dumps(one).encode())
    strange = st.one_of(
        st.sampled_from([b"", b"{", b"<html>", b"\xff", b"[" * 5000, b"9" * 5000]), st.binary(max_size=9)
    )
    return st.tuples(
        st.sampled_from([200, 200, 200, 200, 200, 204, 302, 400, 404, 500]), st.one_of(said, said, said, strange)
    )


ENGINES: st.SearchStrategy[Answers] = st.fixed_dictionaries({path: _answer(usual) for path, usual in ASKED.items()})


class _Body(io.BytesIO):
    """What urllib3 knows of a body that comes in chunks."""

    chunked = True
    chunk_left = None


class _Adapter(requests.adapters.BaseAdapter):
    """Whoever answers each request so."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        path = (request.url or "").partition("?")[0]
        status, content = next(answer for asked, answer in self._answers.items() if path.endswith(asked))
        response = requests.Response()
        response.status_code = status
        response.url = request.url or ""
        response.request = request
        response.raw = urllib3.HTTPResponse(body=_Body(content), status=status, preload_content=False)
        return response

    def close(self) -> None:
        pass


@contextlib.contextmanager
def connected(answers: Answers) -> Iterator[Engine]:
    """Be connected to whoever answers so."""

    class Client(docker.APIClient):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.mount("http://", _Adapter(answers))

    with mock.patch("docker.APIClient", Client):
        engine = connect(Endpoint("tcp://127.0.0.1:1", source="DOCKER_HOST"), 5.0)
        try:
            yield engine
        finally:
            engine.close()


def survive_engine(answers: Answers) -> None:
    """Ask it all that is asked before there is a container."""
    with only_our_errors(), connected(answers) as engine:
        _ask(engine)


def _ask(engine: Engine) -> None:
    with only_our_errors():
        json.dumps(facts_on(engine, WANTED))
    with only_our_errors():
        assert image_id(engine, WANTED, silent, Processes(), Patience(waits=(), silence=5.0))
    with only_our_errors():
        has_policy(engine, "sha256:a")
    with only_our_errors(), engine.doing("No container can be made"):
        assert engine.init.is_wanted() in {True, False}

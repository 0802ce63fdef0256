"""The arguments of `build_in_container` are a request as any other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import LocalBackend
from support import FakeProvisioner, make_context

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.building import build, requested


@pytest.mark.parametrize(
    ("wheel", "sdist", "kinds"),
    [(True, False, ["wheel"]), (False, True, ["sdist"]), (True, True, [])],
)
def test_what_is_asked_for_is_what_the_command_line_would_ask_for(
    wheel: bool, sdist: bool, kinds: Sequence[str]
) -> None:
    request = requested(Path("/source"), Path("/dist"), None, wheel=wheel, sdist=sdist)
    assert list(request.kinds) == kinds
    assert (request.source, request.output_dir, request.config_settings) == ("/source", "/dist", {})


def test_nothing_cannot_be_asked_for() -> None:
    with pytest.raises(RequestError, match="Neither an sdist nor a wheel was asked for"):
        requested(Path("/source"), Path("/dist"), None, wheel=False, sdist=False)


def test_paths_mean_what_they_mean_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = requested(Path("source"), Path("dist"), {"key": "value"}, wheel=True, sdist=False)
    monkeypatch.chdir("/")
    assert (request.source, request.output_dir) == (os.fspath(tmp_path / "source"), os.fspath(tmp_path / "dist"))
    assert request.config_settings == {"key": "value"}


def test_both_are_built_one_from_the_other(local_backend: LocalBackend, tmp_path: Path) -> None:
    project = local_backend()
    request = requested(project.source, tmp_path / "dist", {"a": "b"}, wheel=True, sdist=True)
    result = build(request, FakeProvisioner(tmp_path / "site"), make_context())
    assert result.wheel is not None
    assert result.sdist is not None
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == sorted(
        [result.wheel.path.name, result.sdist.path.name]
    )
    assert {call.settings["a"] for call in project.calls} == {"b"}  # type: ignore[index]

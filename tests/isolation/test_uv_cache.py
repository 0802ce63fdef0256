"""uv's cache only makes it faster: builds that cannot use it go on without it, and say so once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from support import Recorder, make_context

from headless_wheel_builder.errors import DependencyError
from headless_wheel_builder.events import Warned
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.uv_cache import UvCache

NO_SPACE = "No space left on device (os error 28)"


class Uv:
    """Fails with what it has to say as long as it has a cache."""

    def __init__(self, *said: str) -> None:
        self.runs: list[bool] = []
        self._said = said

    def __call__(self, argv: Sequence[str], environ: Mapping[str, str], context: Context) -> None:
        del argv, context
        has_cache = "UV_NO_CACHE" not in environ
        self.runs.append(has_cache)
        if has_cache and self._said:
            raise DependencyError("uv failed", cause="\n".join(("> uv pip", *(f"< {line}" for line in self._said))))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"UV_CACHE_DIR": os.fspath(tmp_path / "uv"), "VIRTUAL_ENV": os.fspath(tmp_path / "env")}


@pytest.mark.parametrize(
    "said",
    [
        "error: Failed to initialize cache at `{uv}`\n  cause: failed to open file `{uv}/.git`: Permission denied",
        "error: Could not acquire lock\n  cause: failed to lock `{uv}/.lock`: No locks available (os error 37)",
        "error: Failed to fetch\n  cause: failed to write to file `{uv}/x`: " + NO_SPACE,
    ],
)
def test_uv_runs_again_without_a_cache_that_it_failed_at_and_never_uses_it_again(
    environ: dict[str, str], recorder: Recorder, said: str
) -> None:
    cache, uv = UvCache(), Uv(*said.format(uv=environ["UV_CACHE_DIR"]).splitlines())
    for _ in range(2):
        cache.run(uv, ["uv"], environ, make_context(recorder))
    assert uv.runs == [True, False, False]
    (warned,) = recorder.events
    assert isinstance(warned, Warned)
    assert warned.message.startswith("uv's cache is not used: failed to ")
    assert "UV_CACHE_DIR" in warned.message


@pytest.mark.parametrize(
    "said", ["error: no such version", "  cause: failed to copy file from {uv}/x to {env}/x: " + NO_SPACE]
)
def test_what_it_failed_at_elsewhere_is_its_answer(environ: dict[str, str], recorder: Recorder, said: str) -> None:
    uv = Uv(said.format(uv=environ["UV_CACHE_DIR"], env=environ["VIRTUAL_ENV"]))
    with pytest.raises(DependencyError):
        UvCache().run(uv, ["uv"], environ, make_context(recorder))
    assert uv.runs == [True]
    assert recorder.events == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_cache_of_another_user_is_not_used(
    environ: dict[str, str], tmp_path: Path, recorder: Recorder, is_there: bool
) -> None:
    home = tmp_path / "home"
    folder = home / ".cache" / "uv"
    (folder if is_there else home).mkdir(parents=True)
    os.chown(folder if is_there else home, 12345, 12345)
    del environ["UV_CACHE_DIR"]
    uv = Uv()
    UvCache().run(uv, ["uv"], {**environ, "HOME": os.fspath(home)}, make_context(recorder))
    assert uv.runs == [False]
    (warned,) = recorder.events
    assert isinstance(warned, Warned)
    assert "belongs to another user" in warned.message


def test_whoever_wants_none_is_told_nothing(environ: dict[str, str], recorder: Recorder) -> None:
    uv = Uv()
    UvCache().run(uv, ["uv"], {**environ, "UV_NO_CACHE": "1"}, make_context(recorder))
    assert recorder.events == []

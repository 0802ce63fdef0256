"""What containers may use."""

from __future__ import annotations

import pytest

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.limits import Limits, limits


def test_limits_are_read_as_engines_read_them() -> None:
    assert limits(DockerConfig(memory_limit="4g", cpu_limit=2.0)) == Limits(4 * 1024**3, 2.0)
    assert limits(DockerConfig(memory_limit="512m")) == Limits(512 * 1024**2, None)
    assert limits(DockerConfig()) == Limits(None, None)


def test_backends_are_told_how_many_compilers_may_run() -> None:
    assert limits(DockerConfig(cpu_limit=1.5)).variables() == {
        "CMAKE_BUILD_PARALLEL_LEVEL": "2",
        "CARGO_BUILD_JOBS": "2",
        "NPY_NUM_BUILD_JOBS": "2",
        "MAX_JOBS": "2",
        "MAKEFLAGS": "-j2",
    }
    assert limits(DockerConfig()).variables() == {}


@pytest.mark.parametrize("text", ["", "much", "-1g", "1k", "4 elephants"])
def test_what_is_no_amount_of_memory_is_an_error(text: str) -> None:
    with pytest.raises(RequestError, match="is no amount of memory"):
        limits(DockerConfig(memory_limit=text))


@pytest.mark.parametrize("number", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_number_of_processors_is_an_error(number: float) -> None:
    with pytest.raises(RequestError, match="is no number of processors"):
        limits(DockerConfig(cpu_limit=number))


@pytest.mark.parametrize("number", [0.0, -3.0, float("inf"), float("nan")])
def test_what_is_no_number_of_seconds_is_an_error(number: float) -> None:
    with pytest.raises(RequestError, match="is no number of seconds"):
        limits(DockerConfig(hook_timeout=number))

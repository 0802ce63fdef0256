"""The promised names of the strategy, and what can be asked of it without an engine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import make_context

from headless_wheel_builder.errors import HeadlessWheelBuilderError, IsolationError, RequestError
from headless_wheel_builder.isolation import docker
from headless_wheel_builder.isolation.base import BuildEnvironment, IsolationStrategy, Provisioner
from headless_wheel_builder.isolation.docker import DockerConfig, DockerIsolation, PlatformType, get_docker_isolation
from headless_wheel_builder.isolation.docker.images import all_images
from headless_wheel_builder.isolation.docker.session import ContainerSession
from headless_wheel_builder.isolation.docker.strategy import _closing
from headless_wheel_builder.process import Cancelled, Processes

# isolation-api.md: the parameters with their defaults, and what is returned.
PROMISED: dict[str, tuple[list[tuple[str, object, object]], object]] = {
    "create_environment": (
        [("python_version", "str", ...), ("build_requirements", "list[str]", ...)],
        "BuildEnvironment",
    ),
    "build_in_container": (
        [
            ("source_dir", "Path", ...),
            ("output_dir", "Path", ...),
            ("env", "BuildEnvironment", ...),
            ("build_wheel", "bool", True),
            ("build_sdist", "bool", False),
            ("config_settings", "dict[str, str] | None", None),
        ],
        "tuple[Path | None, Path | None, str]",
    ),
    "check_available": ([], "bool"),
    "list_available_images": ([], "dict[str, str]"),
    "get_image_info": ([("image", "str", ...)], "dict[str, Any]"),
}


def parameters(function: Any) -> list[tuple[str, object, object]]:
    found = list(inspect.signature(function).parameters.values())
    assert {one.kind for one in found} <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [
        (one.name, one.annotation, ... if one.default is inspect.Parameter.empty else one.default)
        for one in found
        if one.name != "self"
    ]


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_method_is_a_coroutine_with_its_signature(name: str) -> None:
    method = getattr(DockerIsolation, name)
    assert inspect.iscoroutinefunction(method)
    assert (parameters(method), inspect.signature(method).return_annotation) == PROMISED[name]


def test_the_constructor_takes_a_configuration_or_none() -> None:
    assert parameters(DockerIsolation.__init__) == [("config", "DockerConfig | None", None)]
    assert DockerIsolation().config == DockerConfig()
    config = DockerConfig(image="debian")
    assert DockerIsolation(config).config is config


def test_the_convenience_function_has_its_promised_signature() -> None:
    assert inspect.iscoroutinefunction(get_docker_isolation)
    assert parameters(get_docker_isolation) == [("platform", "PlatformType", "auto"), ("architecture", "str", "x86_64")]
    assert inspect.signature(get_docker_isolation).return_annotation == "DockerIsolation"


def test_the_public_names_are_the_promised_ones() -> None:
    assert docker.__all__ == ["DockerConfig", "DockerIsolation", "PlatformType", "get_docker_isolation"]
    assert dir(docker) == docker.__all__
    assert [getattr(docker, name) for name in docker.__all__] == [
        DockerConfig,
        DockerIsolation,
        PlatformType,
        get_docker_isolation,
    ]
    with pytest.raises(AttributeError):
        docker.no_such_name  # noqa: B018


def test_naming_the_strategy_does_not_import_the_sdk() -> None:
    code = (
        "import sys; from headless_wheel_builder.isolation import docker; docker.DockerConfig(); dir(docker);"
        "assert 'docker' not in sys.modules and 'requests' not in sys.modules;"
        "assert 'headless_wheel_builder.isolation.docker.strategy' not in sys.modules;"
        "docker.DockerIsolation; assert 'docker' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_a_strategy_for_callers_and_for_the_engine() -> None:
    strategy: IsolationStrategy = DockerIsolation()
    assert isinstance(strategy, Provisioner)
    assert strategy.isolated


@pytest.mark.parametrize(
    ("platform", "architecture"), [("auto", "x86_64"), ("manylinux", "aarch64"), ("musllinux", "armv7l")]
)
def test_the_convenience_function_returns_a_configured_strategy(platform: PlatformType, architecture: str) -> None:
    found = asyncio.run(get_docker_isolation(platform=platform, architecture=architecture))
    assert found.config == DockerConfig(platform=platform, architecture=architecture)


def test_the_convenience_function_refuses_what_there_is_no_image_for() -> None:
    with pytest.raises(RequestError, match="There is no architecture 'sparc'"):
        asyncio.run(get_docker_isolation(architecture="sparc"))


@pytest.fixture(params=["unix:///nonexistent", "tcp://127.0.0.1:1", "nonsense://"])
def no_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no engine anywhere."""
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", request.param)
    yield
    gc.collect()


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_it_is_not_available() -> None:
    assert asyncio.run(DockerIsolation().check_available()) is False


def test_with_a_context_that_does_not_exist_it_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    assert asyncio.run(DockerIsolation().check_available()) is False


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_what_is_known_of_images_is_still_told() -> None:
    strategy = DockerIsolation()
    assert asyncio.run(strategy.list_available_images()) == dict(all_images())
    found = asyncio.run(strategy.get_image_info("manylinux_2_28"))
    assert (found["name"], found["platform"], found["available"]) == ("manylinux_2_28_x86_64", "linux/amd64", False)
    assert found["reference"].endswith(found["digest"])
    with pytest.raises(RequestError, match="There is no image manylinux_9_9"):
        asyncio.run(strategy.get_image_info("manylinux_9_9"))


@pytest.mark.usefixtures("no_engine")
def test_what_only_an_engine_can_tell_is_an_error_without_one() -> None:
    with pytest.raises(IsolationError, match="No container engine answers at"):
        asyncio.run(DockerIsolation().get_image_info("debian:12"))
    with pytest.raises(IsolationError, match="No container engine answers at"):
        asyncio.run(DockerIsolation().create_environment("3.12", []))


def test_a_requirement_that_is_none_is_refused_before_an_engine_is_asked() -> None:
    with pytest.raises(HeadlessWheelBuilderError, match="not a requirement"):
        asyncio.run(DockerIsolation().create_environment("3.12", ["not a requirement"]))


def test_the_environment_of_another_strategy_is_refused_before_an_engine_is_asked(tmp_path: Path) -> None:
    other = BuildEnvironment(Path("/venv/bin/python"), Path("/venv/lib"), {})
    with pytest.raises(IsolationError, match="not one of containers"):
        asyncio.run(DockerIsolation().build_in_container(tmp_path, tmp_path / "dist", other))


def test_a_build_of_nothing_is_refused(tmp_path: Path) -> None:
    other = BuildEnvironment(Path("/venv/bin/python"), Path("/venv/lib"), {})
    with pytest.raises(RequestError, match="Neither an sdist nor a wheel"):
        asyncio.run(DockerIsolation().build_in_container(tmp_path, tmp_path, other, build_wheel=False))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DockerConfig(memory_limit="much"), "'much' is no amount of memory"),
        (DockerConfig(cpu_limit=-1.0), "no number of processors"),
        (DockerConfig(image="manylinux_9_9"), "There is no image manylinux_9_9"),
        (DockerConfig(), "No container engine answers at unix:///nonexistent"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(config: DockerConfig, message: str) -> None:
    with pytest.raises(HeadlessWheelBuilderError, match=message):
        DockerIsolation(config).check(None, make_context(environ={"DOCKER_HOST": "unix:///nonexistent"}))
    gc.collect()


class Session:
    """A session that notes what becomes of it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.processes = Processes()
        self.place = SimpleNamespace(context=make_context(processes=self.processes))

    def keep(self) -> None:
        self.log.append("kept")

    def close(self) -> None:
        self.log.append("closed")


@pytest.mark.parametrize(
    ("error", "log"),
    [
        (None, ["closed"]),
        (IsolationError("failed"), ["kept", "closed"]),
        (KeyboardInterrupt(), ["closed"]),
        (ZeroDivisionError(), ["closed"]),
    ],
)
def test_containers_are_kept_when_a_build_fails_and_closed_whatever_happens(
    error: BaseException | None, log: list[str]
) -> None:
    session = Session()
    opened: contextlib.AbstractContextManager[ContainerSession] = _closing(session)  # type: ignore[arg-type]
    with contextlib.suppress(IsolationError, KeyboardInterrupt, ZeroDivisionError), opened:
        if error is not None:
            raise error
    assert session.log == log


def test_containers_of_a_build_that_was_cancelled_are_not_kept() -> None:
    session = Session()
    opened: contextlib.AbstractContextManager[ContainerSession] = _closing(session)  # type: ignore[arg-type]
    session.processes.cancel()
    with pytest.raises(Cancelled), opened:
        raise IsolationError("The container has gone")
    assert session.log == ["closed"]

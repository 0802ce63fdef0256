"""The promised isolation API, its part about containers, line by line, with a real engine.

Where the promise names an image, it is one of integration/images; where it says 3.12, the version is that image's.
"""

from __future__ import annotations

import asyncio
import inspect
import zipfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import projects
import pytest
from containers import IMAGE, PYTHON

from headless_wheel_builder import BuildConfig, BuildEngine, DependencyError, IsolationError, build_wheel
from headless_wheel_builder.errors import HookFailedError, InterpreterError, RequestError
from headless_wheel_builder.isolation import BuildEnvironment, VenvIsolation
from headless_wheel_builder.isolation.docker import DockerConfig, DockerIsolation, PlatformType, get_docker_isolation

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(autouse=True)
def temporary(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the engine, and be the temporary folder."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_the_example_works_as_written(tmp_path: Path, temporary: Path) -> None:
    source, output = projects.setuptools_c(tmp_path), tmp_path / "dist"

    async def example() -> tuple[Path | None, Path | None, str]:
        config = DockerConfig(platform="manylinux", architecture="x86_64", image=IMAGE)
        isolation = DockerIsolation(config)
        assert await isolation.check_available()
        env = await isolation.create_environment(
            python_version=PYTHON,
            build_requirements=["setuptools>=61.0", "wheel"],
        )
        return await isolation.build_in_container(source_dir=source, output_dir=output, env=env)

    wheel, sdist, log = run(example())
    assert wheel is not None
    assert wheel.parent == output
    assert "manylinux_2_36_x86_64" in wheel.name
    assert sdist is None
    assert "building '_demo' extension" in log
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("wheel", "sdist"), [(True, True), (False, True), (True, False)])
def test_what_is_asked_for_is_built(tmp_path: Path, wheel: bool, sdist: bool) -> None:
    async def built() -> tuple[Path | None, Path | None, str]:
        isolation = DockerIsolation(DockerConfig(image=IMAGE))
        async with await isolation.create_environment(PYTHON, []) as env:
            return await isolation.build_in_container(
                projects.demo(tmp_path), tmp_path / "out", env, wheel, sdist, {"key": "value"}
            )

    wheel_path, sdist_path, log = run(built())
    assert (wheel_path is not None, sdist_path is not None) == (wheel, sdist)
    assert sorted((tmp_path / "out").iterdir()) == sorted(filter(None, [wheel_path, sdist_path]))
    assert '{"key": "value"}' in log
    if wheel_path is not None:
        with zipfile.ZipFile(wheel_path) as archive:
            assert b'"key": "value"' in archive.read("wheel.json")


def test_the_paths_and_variables_of_an_environment_are_true_inside_of_containers(tmp_path: Path) -> None:
    tell = """
        def build_wheel(folder, *args):
            import setuptools
            place = os.path.dirname(os.path.dirname(setuptools.__file__))
            name = f"{NAME}-{VERSION}-{TAG}.whl"
            seen = {"python": sys.executable, "site": place, "path": os.environ["PATH"], "mine": os.environ["MINE"]}
            write_wheel(f"{folder}/{name}", {"seen.json": json.dumps(seen).encode()})
            return name
        """

    async def seen() -> tuple[BuildEnvironment, Path]:
        isolation = DockerIsolation(DockerConfig(image=IMAGE, extra_env={"MINE": "yes"}))
        env = await isolation.create_environment(PYTHON, ["setuptools"])
        async with env:
            wheel, _, _ = await isolation.build_in_container(projects.silent(tmp_path, tell), tmp_path / "out", env)
        assert wheel is not None
        return env, wheel

    env, wheel = run(seen())
    with zipfile.ZipFile(wheel) as archive:
        found = archive.read("seen.json").decode()
    assert f'"python": "{env.python_path}"' in found
    assert f'"site": "{env.site_packages}"' in found
    assert f'"path": "{env.env_vars["PATH"]}"' in found
    assert env.env_vars["MINE"] == "yes"
    assert '"mine": "yes"' in found


def test_a_build_from_python_takes_containers_as_any_other_strategy(tmp_path: Path) -> None:
    isolation = DockerIsolation(DockerConfig(image=IMAGE))
    source = projects.setuptools_c(tmp_path)
    result = run(build_wheel(source, output_dir=tmp_path / "out", python=PYTHON, sdist=True, isolation=isolation))
    assert result.sdist is not None
    assert result.wheel is not None
    assert "cp311-cp311-manylinux_2_36_x86_64" in result.wheel.tags
    assert "setuptools" in result.versions
    metadata = run(BuildEngine(BuildConfig(python=PYTHON, isolation=isolation)).metadata(source))
    assert metadata["name"] == "demo"


def test_the_attributes_and_their_defaults_are_the_promised_ones() -> None:
    promised: dict[str, Any] = {
        "platform": "auto",
        "image": None,
        "architecture": "x86_64",
        "network": True,
        "memory_limit": None,
        "cpu_limit": None,
        "repair_wheel": True,
        "strip_binaries": True,
        "extra_mounts": {},
        "extra_env": {},
    }
    config = DockerConfig()
    assert {name: getattr(config, name) for name in promised} == promised
    assert get_args(PlatformType) == get_args(Literal["manylinux", "musllinux", "auto"])


def test_the_signatures_are_the_promised_ones() -> None:
    def names(method: Any) -> list[str]:
        return list(inspect.signature(method).parameters)

    assert names(DockerIsolation) == ["config"]
    assert names(DockerIsolation.create_environment) == ["self", "python_version", "build_requirements"]
    build = inspect.signature(DockerIsolation.build_in_container)
    assert list(build.parameters) == [
        "self", "source_dir", "output_dir", "env", "build_wheel", "build_sdist", "config_settings",
    ]  # fmt: skip
    assert [build.parameters[name].default for name in ("build_wheel", "build_sdist", "config_settings")] == [
        True,
        False,
        None,
    ]
    assert names(get_docker_isolation) == ["platform", "architecture"]


def test_images_are_listed_and_described() -> None:
    isolation = DockerIsolation()
    images = run(isolation.list_available_images())
    promised = {
        "manylinux2014_x86_64": "CentOS 7 (oldest, most compatible)",
        "manylinux_2_28_x86_64": "AlmaLinux 8 (recommended)",
        "manylinux_2_34_x86_64": "AlmaLinux 9 (newest glibc)",
        "musllinux_1_1_x86_64": "Alpine musl 1.1",
        "musllinux_1_2_x86_64": "Alpine musl 1.2",
    }
    assert promised.items() <= images.items()
    assert {name.replace("x86_64", "aarch64") for name in promised} <= set(images)
    known = run(isolation.get_image_info("manylinux_2_28_x86_64"))
    assert known["reference"].startswith("quay.io/pypa/manylinux_2_28_x86_64@sha256:")
    assert not known["available"]
    there = run(isolation.get_image_info(IMAGE))
    assert there["available"]
    assert there["size"] > 0
    assert there["id"].startswith("sha256:")


def test_a_convenient_strategy_is_for_what_was_asked() -> None:
    isolation = run(get_docker_isolation(platform="musllinux", architecture="aarch64"))
    assert (isolation.config.platform, isolation.config.architecture) == ("musllinux", "aarch64")
    with pytest.raises(RequestError, match="There is no architecture 'z80'"):
        run(get_docker_isolation(architecture="z80"))


def test_without_an_engine_it_is_not_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    isolation = DockerIsolation(DockerConfig(image=IMAGE))
    assert not run(isolation.check_available())
    with pytest.raises(IsolationError, match="No container engine answers"):
        run(isolation.create_environment(PYTHON, []))


def test_what_cannot_be_made_is_an_error_of_the_promised_kind(tmp_path: Path) -> None:
    isolation = DockerIsolation(DockerConfig(image=IMAGE))
    with pytest.raises(DependencyError):
        run(isolation.create_environment(PYTHON, ["there-is-no-such-project-as-this"]))
    with pytest.raises(DependencyError, match="is not a requirement"):
        run(isolation.create_environment(PYTHON, ["not a requirement"]))
    with pytest.raises(InterpreterError, match=r"There is no Python 3\.9 in the image"):
        run(isolation.create_environment("3.9", []))

    async def foreign() -> None:
        async with await VenvIsolation().create_environment("3", []) as env:
            await isolation.build_in_container(projects.demo(tmp_path), tmp_path / "out", env)

    with pytest.raises(IsolationError, match="not one of containers"):
        run(foreign())


def test_a_failed_build_leaves_the_output_folder_as_it_was(tmp_path: Path) -> None:
    async def failing() -> None:
        isolation = DockerIsolation(DockerConfig(image=IMAGE))
        async with await isolation.create_environment(PYTHON, []) as env:
            source = projects.demo(tmp_path, "def build_wheel(*args):\n    raise RuntimeError('no')\n")
            await isolation.build_in_container(source, tmp_path / "out", env)

    with pytest.raises(HookFailedError) as caught:
        run(failing())
    assert "RuntimeError: no" in caught.value.log
    assert not (tmp_path / "out").exists()

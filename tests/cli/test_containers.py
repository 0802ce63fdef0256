"""The options for containers become a configuration of them."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import LocalBackend

from headless_wheel_builder.cli.arguments import parse_arguments
from headless_wheel_builder.cli.command import chosen
from headless_wheel_builder.cli.containers import DEFAULTS, OPTIONS, docker_configs, given
from headless_wheel_builder.cli.strategies import distinct, strategies
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.values import changed

PLAIN = DockerConfig(architecture=platform.machine())
# Attributes that other options, or none, decide about.
ELSEWHERE = {"use_uv", "cache_envs", "constraints", "timeout", "clean_env", "hook_timeout", "hook_silence"}
# Not for containers only.
NETWORK = {"--no-network", "--network"}
EACH: list[tuple[str, dict[str, Any]]] = [
    ("--platform musllinux", {"platform": "musllinux"}),
    ("--platform auto", {"platform": "auto"}),
    ("--image manylinux_2_34", {"image": "manylinux_2_34"}),
    ("--arch aarch64", {"architecture": "aarch64"}),
    ("--image-mirror registry.local/pypa", {"mirror": "registry.local/pypa"}),
    ("--no-repair", {"repair_wheel": False}),
    ("--only-plat", {"only_plat": True}),
    ("--exclude libcuda.so.1 --exclude libnv*", {"exclude": ("libcuda.so.1", "libnv*")}),
    ("--no-strip", {"strip_binaries": False}),
    ("--no-network", {"network": False}),
    ("--memory 4g", {"memory_limit": "4g"}),
    ("--cpus 1.5", {"cpu_limit": 1.5}),
    ("--mount /a:/b", {"extra_mounts": {"/a": "/b"}}),
    ("--mount /a:/b:ro --mount c:/d", {"extra_mounts": {"/a": "/b:ro", "c": "/d"}}),
    ("--env KEY=VALUE", {"extra_env": {"KEY": "VALUE"}}),
    ("--env KEY= --env A=b=c", {"extra_env": {"KEY": "", "A": "b=c"}}),
    ("--env KEY --env OTHER", {"extra_env": {"KEY": "mine", "OTHER": ""}}),
    ("--keep-container", {"keep_container": True}),
    ("--no-repair --repair", {}),
    ("--only-plat --no-only-plat", {}),
    ("--no-strip --strip", {}),
    ("--no-network --network", {}),
    ("--network --no-network", {"network": False}),
]


def config(line: str = "", *, cache_envs: bool = True) -> DockerConfig:
    arguments = parse_arguments(["--isolation", "docker", *line.split()], "prog")
    (found,) = docker_configs(arguments, {"KEY": "mine", "OTHER": ""}, cache_envs=cache_envs)
    assert isinstance(found, DockerConfig)
    return found


def test_without_options_wheels_are_for_this_machine_and_the_rest_is_by_default() -> None:
    assert config() == PLAIN


@pytest.mark.parametrize(("line", "attributes"), EACH)
def test_an_option_is_an_attribute(line: str, attributes: dict[str, Any]) -> None:
    assert config(line) == changed(PLAIN, **attributes)


def test_every_option_and_every_attribute_is_tested_here() -> None:
    assert {word for line, _ in EACH for word in line.split() if word.startswith("--")} == {
        *OPTIONS - {"--docker-host"},
        *NETWORK,
    }
    tested = {name for _, attributes in EACH for name in attributes}
    assert tested | ELSEWHERE == {one.name for one in dataclasses.fields(DockerConfig)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "attributes"),
    [
        ("--installer pip", {"use_uv": False}),
        ("--installer uv", {}),
        ("--hook-timeout 90", {"hook_timeout": 90.0}),
        ("--hook-silence 0.5", {"hook_silence": 0.5}),
        ("--clean-env", {"clean_env": True}),
        ("--clean-env --env KEY", {"clean_env": True, "extra_env": {"KEY": "mine"}}),
        ("--clean-env --no-clean-env", {}),
        ("--dependency-constraints-txt c.txt", {"constraints": "c.txt"}),
        # An empty path is none, as for a virtual environment.
        ("--dependency-constraints-txt=", {}),
    ],
)
def test_options_of_other_strategies_hold_for_containers_too(line: str, attributes: dict[str, Any]) -> None:
    assert config(line) == changed(PLAIN, **attributes)
    assert config(line, cache_envs=False) == changed(PLAIN, cache_envs=False, **attributes)


@pytest.mark.parametrize("text", ["/a", "/a:", ":/b", "/a:b", "", ":", "/a:b:/c"])
def test_a_mount_without_both_its_places_is_an_error(text: str) -> None:
    with pytest.raises(RequestError, match="cannot be read") as caught:
        config(f"--mount={text}")
    assert f"--mount {text}" in caught.value.message
    assert "--mount HOST:CONTAINER" in caught.value.hint


def test_a_folder_cannot_be_mounted_twice_as_one_of_them_would_get_lost() -> None:
    with pytest.raises(RequestError, match="--mount /a:/c: /a is mounted already"):
        config("--mount /a:/b --mount /a:/c")
    assert config("--mount /a:/b --mount /a:/b").extra_mounts == {"/a": "/b"}


@pytest.mark.parametrize("text", ["MISSING", "key"])
def test_a_variable_that_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(RequestError, match=f"--env {text}: there is no such variable here") as caught:
        config(f"--env {text}")
    assert "--env KEY=VALUE" in caught.value.hint


@pytest.mark.parametrize("line", ["--platform windows", "--cpus many", "--hook-timeout soon", "--memory"])
def test_what_no_value_can_be_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        config(line)
    assert caught.value.code == 2
    assert line.split(maxsplit=1)[0] in capsys.readouterr().err


@pytest.mark.parametrize("line", [line for line, _ in EACH if line.split()[0] not in {"--env", *NETWORK}])
@pytest.mark.parametrize("isolation", [[], ["--isolation", "venv"], ["--isolation=none"], ["-n"]])
def test_they_are_refused_without_a_container(
    line: str, isolation: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([*isolation, *line.split()], "prog")
    assert caught.value.code == 2
    last = [word for word in line.split() if word.startswith("--")][-1]
    assert f"{last}: only allowed with --isolation docker" in capsys.readouterr().err


def test_without_a_container_env_is_what_it_is_to_build() -> None:
    assert parse_arguments(["--env", "folder"], "prog").env_dir == "folder"
    assert parse_arguments(["--isolation=docker", "--env", "A=b"], "prog").env_dir is None


def test_a_container_is_not_without_isolation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        config("-n")
    assert "not allowed with argument --no-isolation" in capsys.readouterr().err


def test_the_folder_of_an_environment_is_not_one_of_a_container(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        config("--env-dir folder")
    assert "--env-dir: not allowed with --isolation docker" in capsys.readouterr().err


def test_only_options_that_were_given_are_named() -> None:
    assert given(parse_arguments([], "prog")) == []
    arguments = parse_arguments(["--isolation", "docker", "--cpus", "0", "--no-strip"], "prog")
    assert given(arguments) == ["--no-strip", "--cpus"]
    arguments = parse_arguments(["--isolation", "docker", "--strip", "--no-only-plat"], "prog")
    assert given(arguments) == ["--no-only-plat", "--strip"]
    assert DEFAULTS.keys() <= vars(arguments).keys()


PROGRAM = """\
import json, os, sys
from headless_wheel_builder.cli import main
code = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
sys.exit(code)
"""


@pytest.mark.parametrize("isolation", [[], ["-n"], ["--isolation", "venv"]])
def test_a_build_without_a_container_imports_nothing_of_it(
    local_backend: LocalBackend, tmp_path: Path, isolation: list[str]
) -> None:
    argv = [sys.executable, "-c", PROGRAM, "-w", *isolation, os.fspath(local_backend().source)]
    environ = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": os.fspath(tmp_path / "cache")}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "headless_wheel_builder.core.build" in loaded
    assert [name for name in loaded if name.startswith("headless_wheel_builder.isolation.docker")] == []
    assert not {"docker", "requests", "urllib3"} & loaded


@pytest.mark.parametrize("name", ["A B", ""])
def test_a_variable_whose_name_is_none_is_an_error_that_does_not_tell_its_value(name: str) -> None:
    arguments = parse_arguments(["--isolation", "docker", "--env", f"{name}=hunter2"], "prog")
    with pytest.raises(RequestError, match=f"'{name}' is no name of a variable") as raised:
        docker_configs(arguments, {}, cache_envs=True)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("option", ["image", "arch", "image-mirror"])
def test_an_empty_name_is_an_error(option: str) -> None:
    arguments = parse_arguments(["--isolation", "docker", f"--{option}="], "prog")
    with pytest.raises(RequestError, match=f"--{option} has no value"):
        docker_configs(arguments, {}, cache_envs=True)


def test_an_image_of_another_architecture_than_the_one_asked_for_is_an_error() -> None:
    line = ["--isolation", "docker", "--image", "manylinux_2_28_aarch64", "--arch"]
    with pytest.raises(RequestError, match="manylinux_2_28_aarch64 is no image for x86_64"):
        docker_configs(parse_arguments([*line, "x86_64"], "prog"), {}, cache_envs=True)
    (found,) = docker_configs(parse_arguments([*line, "arm64"], "prog"), {}, cache_envs=True)
    assert found.architecture == "arm64"


def test_an_engine_that_is_named_comes_before_all_that_the_environment_says() -> None:
    arguments = parse_arguments(["--isolation", "docker", "--docker-host", "unix:///one"], "prog")
    environ = {"DOCKER_HOST": "unix:///other", "DOCKER_CONTEXT": "third", "KEPT": "1"}
    assert chosen(arguments, environ) == {"DOCKER_HOST": "unix:///one", "KEPT": "1"}
    assert chosen(parse_arguments([], "prog"), environ) == environ


@pytest.mark.parametrize(
    ("line", "platforms"),
    [
        ("--platform auto,manylinux --arch x86_64,amd64", ["auto"]),
        ("--platform musllinux,auto,manylinux", ["musllinux", "auto"]),
        ("--image other --platform manylinux,musllinux", ["manylinux"]),
        ("--arch x86_64,aarch64", ["auto", "auto"]),
    ],
)
def test_what_two_names_mean_is_built_once(line: str, platforms: list[str]) -> None:
    found = distinct(strategies(parse_arguments(["--isolation", "docker", *line.split()], "prog"), {}))
    assert [one.config.platform for one in found] == platforms  # type: ignore[attr-defined]

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from support import FakeProvisioner

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.docker.config import DockerConfig
from headless_wheel_builder.isolation.docker.strategy import DockerIsolation
from headless_wheel_builder.isolation.none import NoIsolation
from headless_wheel_builder.isolation.portable import facts_of, strategy_of
from headless_wheel_builder.isolation.venv import VenvConfig, VenvIsolation

# Each attribute with another value than its default.
VENV: dict[str, Any] = {"use_uv": False, "cache_envs": True, "extra_env": {"A": "ä"}, "network": False}
VENV |= {"clean_env": True, "hook_timeout": 600.0, "hook_silence": 60.0}
STAYS = {"python_path": Path("/opt/python/bin/python"), "env_dir": "/tmp/environment"}
DOCKER: dict[str, Any] = {
    "platform": "musllinux",
    "image": "musllinux_1_2_aarch64",
    "architecture": "aarch64",
    "network": False,
    "memory_limit": "4g",
    "cpu_limit": 1.5,
    "repair_wheel": False,
    "strip_binaries": False,
    "extra_mounts": {"/root/.cache": "/cache:ro"},
    "extra_env": {"A": "ä"},
    "only_plat": True,
    "exclude": ("libcuda.so.1", "libnv*"),
    "mirror": "registry.local/pypa",
    "use_uv": False,
    "cache_envs": False,
    "keep_container": True,
    "timeout": 5.0,
    "hook_timeout": 600.0,
    "hook_silence": 60.0,
    "clean_env": True,
}


def travelled(strategy: Any, folder: Path) -> Any:
    """Return what a strategy is on the other side of JSON."""
    folder.mkdir(exist_ok=True)
    return strategy_of(json.loads(json.dumps(facts_of(strategy))), str(folder))


def test_every_attribute_is_tried() -> None:
    venv, docker = ({one.name for one in dataclasses.fields(kind)} for kind in (VenvConfig, DockerConfig))
    assert venv == {*VENV, *STAYS, "constraints"}
    assert docker == {*DOCKER, "constraints"}


@pytest.mark.parametrize(("name", "value"), VENV.items())
def test_each_attribute_of_a_venv_travels(tmp_path: Path, name: str, value: object) -> None:
    config = VenvConfig(**{name: value})
    assert config != VenvConfig()
    found = travelled(VenvIsolation(config), tmp_path)
    assert isinstance(found, VenvIsolation)
    assert found.config == config


@pytest.mark.parametrize(("name", "value"), DOCKER.items())
def test_each_attribute_of_containers_travels(tmp_path: Path, name: str, value: object) -> None:
    config = DockerConfig(**{name: value})
    assert config != DockerConfig()
    found = travelled(DockerIsolation(config), tmp_path)
    assert isinstance(found, DockerIsolation)
    assert found.config == config
    # A list would make the value one that has no hash.
    assert type(getattr(found.config, name)) is type(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: VenvIsolation(VenvConfig(constraints=path)),
        lambda path: DockerIsolation(DockerConfig(constraints=path)),
    ],
)
def test_constraints_travel_as_text_with_those_that_they_name(tmp_path: Path, make: Any) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "others.txt").write_text("flit-core==3.9\n")
    (tmp_path / "constraints.txt").write_text("setuptools<80 # ä\n-c more/others.txt\n", encoding="utf-8")
    facts = facts_of(make(str(tmp_path / "constraints.txt")))
    assert str(tmp_path) not in json.dumps(facts)
    for path in (tmp_path / "more" / "others.txt", tmp_path / "constraints.txt"):
        path.unlink()
    folder = tmp_path / "there"
    folder.mkdir()
    config = strategy_of(json.loads(json.dumps(facts)), str(folder)).config  # type: ignore[attr-defined]
    written = Path(config.constraints)
    assert written.parent == folder
    assert written.read_text(encoding="utf-8").split("\n")[:2] == ["setuptools<80 # ä", "flit-core==3.9"]


def test_empty_constraints_are_constraints(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("")
    config = VenvConfig(constraints=str(tmp_path / "constraints.txt"))
    assert travelled(VenvIsolation(config), tmp_path / "there").config.constraints == str(
        tmp_path / "there" / "constraints.txt"
    )


def test_constraints_that_cannot_be_read_are_an_error_here(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="The constraints file cannot be read"):
        facts_of(DockerIsolation(DockerConfig(constraints=str(tmp_path / "none.txt"))))


@pytest.mark.parametrize(("name", "value"), STAYS.items())
def test_a_path_of_this_machine_is_refused(name: str, value: object) -> None:
    with pytest.raises(RequestError, match="makes sense on this machine only"):
        facts_of(VenvIsolation(VenvConfig(**{name: value})))  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", [NoIsolation(), FakeProvisioner(Path("/nonexistent"))], ids=["none", "foreign"])
def test_a_strategy_that_is_no_data_is_refused(strategy: Any) -> None:
    with pytest.raises(RequestError, match="done on this machine only") as refused:
        facts_of(strategy)
    assert type(strategy).__name__ in refused.value.message

"""The promised attributes of a configuration, and those beyond."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from headless_wheel_builder.isolation.docker import DockerConfig, PlatformType

# The table of isolation-api.md.
PROMISED = {
    "platform": (PlatformType, "auto"),
    "image": (str | None, None),
    "architecture": (str, "x86_64"),
    "network": (bool, True),
    "memory_limit": (str | None, None),
    "cpu_limit": (float | None, None),
    "repair_wheel": (bool, True),
    "strip_binaries": (bool, True),
    "extra_mounts": (dict[str, str], {}),
    "extra_env": (dict[str, str], {}),
}
MORE = {
    "only_plat": False,
    "exclude": (),
    "mirror": None,
    "use_uv": True,
    "cache_envs": True,
    "constraints": None,
    "keep_container": False,
    "timeout": 60.0,
    "hook_timeout": None,
    "hook_silence": None,
    "clean_env": False,
}


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_attribute_has_its_type_and_its_default(name: str) -> None:
    kind, default = PROMISED[name]
    assert typing.get_type_hints(DockerConfig)[name] == kind
    assert getattr(DockerConfig(), name) == default
    assert type(getattr(DockerConfig(), name)) is type(default)


def test_promised_attributes_come_first_in_their_order_and_the_others_have_defaults() -> None:
    defaults = {one.name: getattr(DockerConfig(), one.name) for one in dataclasses.fields(DockerConfig)}  # type: ignore[arg-type]
    assert list(defaults)[: len(PROMISED)] == list(PROMISED)
    assert {name: defaults[name] for name in defaults if name not in PROMISED} == MORE


def test_the_platforms_are_the_promised_ones() -> None:
    assert PlatformType == typing.Literal["manylinux", "musllinux", "auto"]


@pytest.mark.parametrize("name", ["extra_mounts", "extra_env"])
def test_two_configurations_share_nothing(name: str) -> None:
    getattr(DockerConfig(), name)["a"] = "b"
    assert getattr(DockerConfig(), name) == {}


def test_the_promised_examples_are_configurations() -> None:
    assert DockerConfig(platform="manylinux", architecture="x86_64").platform == "manylinux"
    assert DockerConfig(image="quay.io/pypa/manylinux_2_28_x86_64", repair_wheel=True).image is not None
    assert DockerConfig(memory_limit="4g", cpu_limit=2.0).cpu_limit == 2.0
    assert DockerConfig(extra_mounts={"/host/cache": "/root/.cache"}).extra_mounts["/host/cache"] == "/root/.cache"


def test_every_attribute_is_documented() -> None:
    documented = DockerConfig.__doc__ or ""
    assert [name for name in (*PROMISED, *MORE) if f":param {name}:" not in documented] == []


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DockerConfig().image = "debian"  # type: ignore[misc]

"""Isolation by containers: wheels that run on other people's Linux."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headless_wheel_builder.lazy import attributes

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.docker.config import DockerConfig, PlatformType
    from headless_wheel_builder.isolation.docker.strategy import DockerIsolation, get_docker_isolation

_HOMES = {
    "DockerConfig": "isolation.docker.config",
    "DockerIsolation": "isolation.docker.strategy",
    "PlatformType": "isolation.docker.config",
    "get_docker_isolation": "isolation.docker.strategy",
}

__all__ = ["DockerConfig", "DockerIsolation", "PlatformType", "get_docker_isolation"]


__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

"""Strategies as plain data, for jobs that are done elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.values import changed

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.base import Provisioner
    from headless_wheel_builder.isolation.docker.config import DockerConfig
    from headless_wheel_builder.isolation.venv import VenvConfig


def facts_of(strategy: Provisioner) -> dict[str, Any]:
    """Return a strategy as JSON-able values; what it names by path and can be read is in them.

    :raises RequestError: it makes sense on this machine only
    """
    from headless_wheel_builder.isolation.docker.strategy import DockerIsolation
    from headless_wheel_builder.isolation.venv import VenvIsolation

    if isinstance(strategy, DockerIsolation):
        return {"kind": "docker", "config": _plain(strategy.config)}
    if isinstance(strategy, VenvIsolation):
        _check_portable(strategy.config)
        return {"kind": "venv", "config": _plain(strategy.config)}
    raise RequestError(
        f"Builds by {type(strategy).__name__} are done on this machine only",
        hint="Use --isolation venv or --isolation docker, or leave out what names other machines.",
    )


def strategy_of(facts: Mapping[str, Any], folder: str) -> Provisioner:
    """Return the strategy that `facts_of` described.

    :param folder: for files that belong to it
    """
    config = dict(facts["config"])
    if config["constraints"] is not None:
        path = os.path.join(folder, "constraints.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config["constraints"])
        config["constraints"] = path
    if facts["kind"] == "docker":
        from headless_wheel_builder.isolation.docker.config import DockerConfig
        from headless_wheel_builder.isolation.docker.strategy import DockerIsolation

        return DockerIsolation(changed(DockerConfig(**config), exclude=tuple(config["exclude"])))
    from headless_wheel_builder.isolation.venv import VenvConfig, VenvIsolation

    return VenvIsolation(VenvConfig(**config))


def _plain(config: DockerConfig | VenvConfig) -> dict[str, Any]:
    plain = dict(vars(config))
    if config.constraints is not None:
        plain["constraints"] = Constraints(os.fspath(config.constraints)).everything()
    return plain


def _check_portable(config: VenvConfig) -> None:
    if config.python_path is not None or config.env_dir is not None:
        raise RequestError(
            "A path of an interpreter or an environment makes sense on this machine only",
            hint="Name interpreters by their versions.",
        )

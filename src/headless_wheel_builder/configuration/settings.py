"""The settings, each of which may be set or not, and what becomes of those that several places set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from headless_wheel_builder.values import changed, named_value, value

Isolation: TypeAlias = Literal["venv", "docker", "none", "auto"]
Installer: TypeAlias = Literal["uv", "pip"]
Libc: TypeAlias = Literal["manylinux", "musllinux", "auto"]


@named_value
class Configuration:
    """What one place says about builds; None for what it does not say.

    `mounts` has texts as `--mount` takes them. `skip` is only said of targets, by an override.

    :param dependency_constraints: a path that the current folder can be left with, or relative to it
    :param overrides: what is otherwise for some of the targets; later ones win
    """

    isolation: Isolation | None = None
    installer: Installer | None = None
    python: tuple[str, ...] | None = None
    platform: tuple[Libc, ...] | None = None
    arch: tuple[str, ...] | None = None
    image: str | None = None
    image_mirror: str | None = None
    repair: bool | None = None
    strip: bool | None = None
    only_plat: bool | None = None
    exclude: tuple[str, ...] | None = None
    network: bool | None = None
    memory: str | None = None
    cpus: float | None = None
    mounts: tuple[str, ...] | None = None
    env: Mapping[str, str] | None = None
    timeout: float | None = None
    hook_timeout: float | None = None
    hook_silence: float | None = None
    clean_env: bool | None = None
    env_cache: bool | None = None
    jobs: int | None = None
    fail_fast: bool | None = None
    max_unpacked_size: int | None = None
    config_settings: Mapping[str, str | list[str]] | None = None
    dependency_constraints: str | None = None
    skip: bool | None = None
    overrides: tuple[Override, ...] = ()


@value
class Override:
    """Settings for the targets whose identifier one of the patterns matches.

    :param select: shell-style patterns, for example `cp31*-musllinux*`
    """

    select: tuple[str, ...]
    settings: Configuration


FIELDS: Final = tuple(name for name in Configuration.__annotations__ if name != "overrides")


def layered(first: Configuration, second: Configuration) -> Configuration:
    """Return both in one: what `first` sets wins, also over the overrides of `second`. Mappings are merged by key."""
    both: dict[str, Any] = {name: _joined(getattr(first, name), getattr(second, name)) for name in FIELDS}
    below = tuple(changed(one, settings=_without(one.settings, first)) for one in second.overrides)
    return Configuration(**both, overrides=(*below, *first.overrides))


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**second, **first}
    return second if first is None else first


def _without(settings: Configuration, stronger: Configuration) -> Configuration:
    left: dict[str, Any] = {name: _left(getattr(settings, name), getattr(stronger, name)) for name in FIELDS}
    return Configuration(**left)


def _left(found: Any, stronger: Any) -> Any:
    if isinstance(found, Mapping) and isinstance(stronger, Mapping):
        return {key: content for key, content in found.items() if key not in stronger}
    return found if stronger is None else None

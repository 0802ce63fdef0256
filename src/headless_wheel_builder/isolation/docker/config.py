"""How containers are made, as the user asked."""

from __future__ import annotations

from typing import Literal, TypeAlias

from headless_wheel_builder.values import field, value

PlatformType: TypeAlias = Literal["manylinux", "musllinux", "auto"]


@value
class DockerConfig:
    """How wheels are built in containers.

    :param platform: the libc that wheels are for; `auto` is manylinux
    :param image: a policy (`manylinux_2_28`), a policy and architecture (`musllinux_1_2_aarch64`), or the reference of
        any image, instead of the one that is recommended for the platform
    :param architecture: what wheels are for: x86_64, i686, aarch64, armv7l, ppc64le, s390x or riscv64
    :param network: whether hooks have a network; requirements are always installed with one
    :param memory_limit: the most that a container may use, for example `4g`
    :param cpu_limit: how many processors it may keep busy
    :param repair_wheel: have auditwheel graft libraries and set the platform tag
    :param strip_binaries: remove debugging symbols
    :param extra_mounts: folders of the engine's machine, and where they are in containers, for example `/root/.cache`;
        read-only with `:ro` at the end
    :param extra_env: variables that hooks get on top of the image's
    :param only_plat: give wheels only the tag of the image's policy, not those of older ones that fit too
    :param exclude: libraries that are not to be grafted, by name or pattern
    :param mirror: where images of policies come from instead of their home, for example `registry.local/pypa`
    :param use_uv: let uv make and fill environments, where there is one for the platform; else pip
    :param cache_envs: keep provisioned environments between builds, as images
    :param constraints: a constraints file for the build requirements
    :param keep_container: keep the container of a build that fails
    :param timeout: seconds that the engine may take to answer
    :param hook_timeout: seconds that one hook may take; None for as long as it wants
    :param hook_silence: seconds in which a hook may print nothing; then it shows where it is, and is ended
    :param clean_env: give hooks no proxies either, whose addresses may hold passwords
    """

    platform: PlatformType = "auto"
    image: str | None = None
    architecture: str = "x86_64"
    network: bool = True
    memory_limit: str | None = None
    cpu_limit: float | None = None
    repair_wheel: bool = True
    strip_binaries: bool = True
    extra_mounts: dict[str, str] = field(default_factory=dict)
    extra_env: dict[str, str] = field(default_factory=dict)
    only_plat: bool = False
    exclude: tuple[str, ...] = ()
    mirror: str | None = None
    use_uv: bool = True
    cache_envs: bool = True
    constraints: str | None = None
    keep_container: bool = False
    timeout: float = 60.0
    hook_timeout: float | None = None
    hook_silence: float | None = None
    clean_env: bool = False

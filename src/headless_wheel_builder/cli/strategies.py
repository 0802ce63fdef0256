"""Arguments → the strategies that make build environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headless_wheel_builder.cli.arguments import Arguments
from headless_wheel_builder.isolation.base import Provisioner


def strategies(arguments: Arguments, environ: Mapping[str, str]) -> Sequence[Provisioner]:
    """Return the strategies that the user asks for: of containers, one for each platform and architecture.

    :param environ: the caller's, for variables that are named without a value
    :raises RequestError: an option cannot be read
    """
    if arguments.no_isolation:
        from headless_wheel_builder.isolation.none import NoIsolation

        return [
            NoIsolation(
                skip_dependency_check=arguments.skip_dependency_check,
                network=not arguments.no_network,
                hook_timeout=arguments.hook_timeout,
                hook_silence=arguments.hook_silence,
                clean_env=bool(arguments.clean_env),
                extra_env=_given(arguments, environ) or {},
            )
        ]
    if arguments.isolation == "docker":
        from headless_wheel_builder.cli.containers import docker_configs
        from headless_wheel_builder.isolation.docker.strategy import DockerIsolation

        configs = docker_configs(arguments, environ, cache_envs=not arguments.fresh_env)
        return [DockerIsolation(config) for config in configs]
    from headless_wheel_builder.isolation.venv import VenvConfig, VenvIsolation

    constraints = arguments.dependency_constraints_txt
    config = VenvConfig(
        use_uv=arguments.installer != "pip",
        cache_envs=not arguments.fresh_env,
        constraints=constraints or None,
        env_dir=arguments.env_dir,
        network=not arguments.no_network,
        hook_timeout=arguments.hook_timeout,
        hook_silence=arguments.hook_silence,
        clean_env=bool(arguments.clean_env),
        extra_env=_given(arguments, environ),
    )
    return [VenvIsolation(config)]


def distinct(found: Sequence[Provisioner]) -> Sequence[Provisioner]:
    """Return strategies without those that build in the same image as one before them, as `auto` and `manylinux` do.

    :raises RequestError: there is no image for one of them
    """
    if len(found) == 1:
        return found
    from headless_wheel_builder.isolation.docker.images import Image, find_image
    from headless_wheel_builder.isolation.docker.strategy import DockerIsolation

    images: dict[Image, Provisioner] = {}
    for strategy in found:
        if isinstance(strategy, DockerIsolation):
            images.setdefault(find_image(strategy.config), strategy)
    return tuple(images.values())


def _given(arguments: Arguments, environ: Mapping[str, str]) -> dict[str, str] | None:
    """Return what `--env` gives hooks that have the caller's variables, or a part of them."""
    # Of `--isolation auto` containers may have been thought of.
    if not arguments.clean_env or not arguments.env:
        return None
    from headless_wheel_builder.cli.containers import variables

    return variables(arguments.env, environ)

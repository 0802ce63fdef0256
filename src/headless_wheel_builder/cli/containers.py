"""The options for builds in containers: `--isolation docker`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headless_wheel_builder.cli.listed import Listed
from headless_wheel_builder.cli.switch import add_switch
from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.values import changed

# The names of their values in the namespace, with what they are when not given.
DEFAULTS: Final[Mapping[str, Any]] = {
    "platforms": [],
    "image": None,
    "archs": [],
    "no_repair": None,
    "only_plat": None,
    "exclude": None,
    "no_strip": None,
    "memory": None,
    "cpus": None,
    "mount": None,
    "env": None,
    "keep_container": False,
    "image_mirror": None,
    "docker_hosts": [],
}

# What takes an option back that the project's configuration stands for.
OPPOSITES: Final[Mapping[str, str]] = {
    "no_repair": "--repair",
    "only_plat": "--no-only-plat",
    "no_strip": "--strip",
}
# Those whose values are not named as they are written.
WRITTEN: Final = {"platforms": "platform", "archs": "arch", "docker_hosts": "docker-host"}
LIBCS: Final = ("manylinux", "musllinux", "auto")


def option(name: str) -> str:
    """Return how the option is written that has its value under a name."""
    return "--" + WRITTEN.get(name, name).replace("_", "-")


OPTIONS: Final = frozenset(map(option, DEFAULTS)).union(OPPOSITES.values())


def add_container_options(group: argparse._ArgumentGroup) -> None:
    """Add the options to a parser."""
    _add_image_options(group)
    _add_repair_options(group)
    group.add_argument("--memory", metavar="SIZE", help="the most memory that a container may use, for example 4g")
    group.add_argument("--cpus", metavar="NUMBER", type=float, help="how many processors a container may keep busy")
    group.add_argument(
        "--mount",
        metavar="HOST:CONTAINER",
        action="append",
        help="a folder of the engine's machine or a volume, and where it is in containers; may be given many times",
    )
    group.add_argument(
        "--env",
        metavar="KEY[=VALUE]",
        action="append",
        help="a variable for hooks, by default with the value that it has here; may be given many times. Also with"
        " --clean-env",
    )
    group.add_argument(
        "--keep-container", action="store_true", help="keep the container of a build that fails, to look into it"
    )

    group.add_argument(
        "--docker-host",
        dest="docker_hosts",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="the engine, as DOCKER_HOST has it; of several, each builds a part of the targets, those of its own"
        " architecture first",
    )


def _add_image_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--platform",
        dest="platforms",
        action=Listed,
        default=[],
        type=_libcs,
        metavar="{manylinux,musllinux,auto}",
        help="the libc to build for (defaults to manylinux); may be given many times",
    )
    group.add_argument(
        "--image", metavar="NAME", help="a policy like manylinux_2_28, or the reference of an image to build in"
    )
    group.add_argument(
        "--arch",
        dest="archs",
        action=Listed,
        default=[],
        metavar="NAME",
        help="the architecture to build for (defaults to this machine's); may be given many times",
    )
    group.add_argument(
        "--image-mirror", metavar="PREFIX", help="where images of policies come from instead of their home"
    )


def _libcs(text: str) -> str:
    for part in text.split(","):
        if part.strip() not in LIBCS:
            raise argparse.ArgumentTypeError(f"invalid choice: {part.strip()!r} (choose from {', '.join(LIBCS)})")
    return text


def _add_repair_options(group: argparse._ArgumentGroup) -> None:
    add_switch(group, "--no-repair", "--repair", "leave wheels as they are, without auditwheel")
    add_switch(group, "--only-plat", "--no-only-plat", "give wheels the tag of the image's policy only, no older one's")
    group.add_argument(
        "--exclude",
        metavar="LIBRARY",
        action="append",
        help="a library that is not to be put into wheels, by name or pattern; may be given many times",
    )
    add_switch(group, "--no-strip", "--strip", "keep debugging symbols in wheels")


def given(arguments: argparse.Namespace) -> Sequence[str]:
    """Return which of the options were given, as they are written."""
    names = [name for name, default in DEFAULTS.items() if getattr(arguments, name) != default]
    return [OPPOSITES[name] if getattr(arguments, name) is False else option(name) for name in names]


def docker_configs(arguments: argparse.Namespace, environ: Mapping[str, str], *, cache_envs: bool) -> list[Any]:
    """Return how containers are to be made, for each platform and architecture.

    :param environ: the caller's, for variables that are named without a value
    :raises RequestError: an option cannot be read
    """
    import platform

    from headless_wheel_builder.isolation.docker.config import DockerConfig

    _check_names(arguments)
    common = DockerConfig(
        image=arguments.image,
        network=not arguments.no_network,
        memory_limit=arguments.memory,
        cpu_limit=arguments.cpus,
        repair_wheel=not arguments.no_repair,
        strip_binaries=not arguments.no_strip,
        extra_mounts=_mounts(arguments.mount or ()),
        extra_env=variables(arguments.env, environ),
        only_plat=bool(arguments.only_plat),
        exclude=tuple(arguments.exclude or ()),
        mirror=arguments.image_mirror,
        cache_envs=cache_envs,
        constraints=arguments.dependency_constraints_txt or None,
        keep_container=arguments.keep_container,
        hook_timeout=arguments.hook_timeout,
        hook_silence=arguments.hook_silence,
        clean_env=bool(arguments.clean_env),
        use_uv=arguments.installer != "pip",
    )
    return [
        changed(common, platform=libc, architecture=architecture)
        for libc in arguments.platforms or ["auto"]
        for architecture in arguments.archs or [platform.machine()]
    ]


def _check_names(arguments: argparse.Namespace) -> None:
    from headless_wheel_builder.isolation.docker.images import known_architecture, named_architecture

    for name in ("image", "archs", "image_mirror"):
        if getattr(arguments, name) in ("", [""]):
            raise RequestError(f"{option(name)} has no value", hint=f"Name one, or leave out {option(name)}.")
    named = arguments.image and named_architecture(arguments.image)
    for architecture in arguments.archs:
        if named and named != known_architecture(architecture):
            raise RequestError(
                f"{arguments.image} is no image for {architecture}", hint="Leave out --arch, or name another --image."
            )


def _mounts(texts: Sequence[str]) -> dict[str, str]:
    mounts: dict[str, str] = {}
    for text in texts:
        host, container = _mount(text)
        if mounts.setdefault(host, container) != container:
            raise RequestError(f"--mount {text}: {host} is mounted already", hint="Mount it once, or a folder above.")
    return mounts


def _mount(text: str) -> tuple[str, str]:
    host, colon, container = text.partition(":")
    if not (host and colon and container.startswith("/")):
        raise RequestError(
            f"--mount {text} cannot be read", hint="Write --mount HOST:CONTAINER, with the whole path in the container."
        )
    return host, container


def variables(texts: Sequence[str] | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that `--env` names.

    :param environ: the caller's, for those that are named without a value
    :raises RequestError: one cannot be read, or is not there
    """
    return dict(_variable(text, environ) for text in texts or ())


def _variable(text: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name, equals, content = text.partition("=")
    # What it is set to may be a secret.
    shown = f"--env {name}{equals}{'…' if content else ''}"
    if any(letter.isspace() for letter in name) or (equals and not name):
        raise RequestError(f"{shown}: {name!r} is no name of a variable", hint="Write --env KEY=VALUE.")
    if not name or (not equals and name not in environ):
        raise RequestError(f"{shown}: there is no such variable here", hint="Write --env KEY=VALUE.")
    return name, content if equals else environ[name]

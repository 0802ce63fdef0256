"""What the user asked for, read from the command line and checked."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from headless_wheel_builder.cli.containers import given
from headless_wheel_builder.cli.parser import Parser, make_parser
from headless_wheel_builder.core.request import SDIST_SUFFIX, WHEEL_SUFFIX, is_file_with
from headless_wheel_builder.events import Kind
from headless_wheel_builder.sizes import DEFAULT_SIZE

if TYPE_CHECKING:
    from headless_wheel_builder.cli.configuration import Configured

ALL: Final = "all"


# Options that there is one target and one source with.
ONLY_ONE: Final = ("metadata", "env_dir", "sdist_extract_dir", "timings")


# The isolations that options for containers mean something to.
CONTAINED: Final = ("docker", "auto")
CLEAN: Final = "--clean-env"


class Arguments(argparse.Namespace):
    """What the user asked for."""

    srcdirs: list[str]
    verbosity: int
    outdir: str | None
    distributions: list[Kind] | None
    metadata: bool
    config_settings: list[str] | None
    config_json: str | None
    installer: Literal["pip", "uv"] | None
    no_isolation: bool
    isolation: Literal["none", "venv", "docker", "auto"] | None
    pythons: list[str]
    jobs: int | None
    fail_fast: bool | None
    plan: bool
    inspect: bool
    json: bool
    shard: str | None
    docker_hosts: list[str]
    scheduler: str | None
    dependency_constraints_txt: str | None
    skip_dependency_check: bool
    sdist_extract_dir: str | None
    env_dir: str | None
    fresh_env: bool | None
    no_network: bool | None
    clean_env: bool | None
    timeout: float | None
    hook_timeout: float | None
    hook_silence: float | None
    config_from_sdist: bool
    report: str | None
    max_unpacked_size: int | None
    timings: str | None
    keep_container: bool
    # What `configure` adds, where there is a configuration.
    configured: Configured | None = None
    configured_settings: Mapping[str, Any] | None = None

    @property
    def srcdir(self) -> str | None:
        """The source, where there is not more than one."""
        return self.srcdirs[0] if self.srcdirs else None

    @property
    def python(self) -> str | None:
        """The interpreter, where there is not more than one."""
        return self.pythons[0] if self.pythons else None

    @property
    def unpacked_size(self) -> int:
        """How many bytes a source distribution may unpack to."""
        return self.max_unpacked_size or DEFAULT_SIZE

    @property
    def has_overrides(self) -> bool:
        """Whether the configuration has something else for some of the targets."""
        return self.configured is not None and bool(self.configured.configuration.overrides)

    @property
    def is_many(self) -> bool:
        """Whether more than one target or source is asked for, or anything that is only for these."""
        many = (self.srcdirs, self.pythons, self.platforms, self.archs, self.docker_hosts)
        # What is only configured is for many targets where there are many.
        given = self if self.configured is None else self.configured.given
        only_for_many = (given.jobs, self.shard, self.scheduler)
        has_many = any(len(one) > 1 for one in many) or ALL in self.pythons
        return bool(
            has_many or given.fail_fast or self.plan or self.inspect or any(one is not None for one in only_for_many)
        )


def parse_arguments(
    argv: Sequence[str], prog: str | None, configure: Callable[[Arguments], None] = lambda _: None
) -> Arguments:
    """Parse and check the arguments; a mistake in them exits with 2, as argparse does.

    :param prog: the program's name in messages; None for that of the script
    :param configure: fills in what was not given
    """
    has_env = _has_env(argv)
    parser = make_parser(prog, has_env=has_env)
    arguments = parser.parse_args(argv, Arguments())
    configure(arguments)
    if not has_env and _names_env(argv):
        if arguments.isolation in CONTAINED:
            return parse_arguments([f"--isolation={arguments.isolation}", *argv], prog, configure)
        if arguments.clean_env:
            return parse_arguments([CLEAN, *argv], prog, configure)
    _check(parser, arguments)
    return arguments


def _has_env(argv: Sequence[str]) -> bool:
    """Tell whether `--env` is an option of its own: beside what `python -m build` does not know."""
    pairs = [*itertools.pairwise(argv)]
    names_containers = any(f"--isolation={one}" in argv or ("--isolation", one) in pairs for one in CONTAINED)
    return names_containers or CLEAN in argv


def _names_env(argv: Sequence[str]) -> bool:
    return any(word.partition("=")[0] == "--env" for word in argv)


def _check(parser: Parser, arguments: Arguments) -> None:
    _check_container_options(parser, arguments)
    if arguments.is_many:
        _check_many(parser, arguments)
    _check_isolation(parser, arguments)
    if arguments.report is not None and arguments.metadata:
        parser.error("--report: not allowed with --metadata")
    for source in arguments.srcdirs or [""]:
        _check_source(parser, arguments, source)
    if arguments.config_from_sdist and not all(is_file_with(one, SDIST_SUFFIX) for one in arguments.srcdirs or [""]):
        parser.error("--config-from-sdist: only allowed with a source distribution to build from")


def _check_isolation(parser: Parser, arguments: Arguments) -> None:
    if arguments.no_isolation and arguments.isolation in {"venv", "docker", "auto"}:
        parser.error("argument --isolation: not allowed with argument --no-isolation/-n")
    if arguments.isolation == "none" and arguments.installer is not None:
        parser.error("argument --installer: not allowed with argument --isolation none")
    arguments.no_isolation = arguments.no_isolation or arguments.isolation == "none"
    if not arguments.no_isolation:
        return
    if arguments.env_dir is not None:
        parser.error("--env-dir: not allowed with --no-isolation")
    if arguments.fresh_env is not None:
        option = "--fresh-env" if arguments.fresh_env else "--env-cache"
        parser.error(f"{option}: not allowed with --no-isolation")
    if arguments.scheduler is not None:
        parser.error("--scheduler: not allowed with --no-isolation, which builds on this machine only")


def _check_source(parser: Parser, arguments: Arguments, source: str) -> None:
    if is_file_with(source, WHEEL_SUFFIX) and not arguments.metadata:
        parser.error("a wheel can only be used with --metadata, to read its metadata; it cannot be built from")
    if arguments.metadata and arguments.distributions:
        parser.error("--metadata: not allowed with --sdist or --wheel")
    if is_file_with(source, SDIST_SUFFIX) and "sdist" in (arguments.distributions or ()):
        parser.error(
            "cannot build a source distribution from a source distribution; pass --wheel to build a wheel from the"
            " sdist (see https://github.com/pypa/build/issues/311)"
        )


def _check_many(parser: Parser, arguments: Arguments) -> None:
    for option in ONLY_ONE:
        if getattr(arguments, option):
            parser.error(f"--{option.replace('_', '-')}: not allowed with many targets or sources")


def _check_container_options(parser: Parser, arguments: Arguments) -> None:
    if arguments.isolation not in CONTAINED:
        for option in given(arguments):
            if option != "--env":
                parser.error(f"{option}: only allowed with --isolation docker or auto")
            elif not arguments.clean_env:
                parser.error(f"{option}: only allowed with --isolation docker or auto, or with {CLEAN}")
    elif arguments.env_dir is not None:
        parser.error(f"--env-dir: not allowed with --isolation {arguments.isolation}")
    if arguments.inspect and arguments.plan:
        parser.error("--plan: not allowed with --inspect, which shows it too")
    if arguments.json and not arguments.inspect:
        parser.error("--json: only allowed with --inspect")
    if arguments.docker_hosts and arguments.scheduler is not None:
        parser.error("--scheduler: not allowed with --docker-host")

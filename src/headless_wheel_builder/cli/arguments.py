"""The arguments of the command line: all of `python -m build`, and those of our own."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from headless_wheel_builder._version import __version__
from headless_wheel_builder.cli.containers import OPTIONS, add_container_options, given
from headless_wheel_builder.cli.listed import Listed
from headless_wheel_builder.cli.switch import add_switch
from headless_wheel_builder.core.request import SDIST_SUFFIX, WHEEL_SUFFIX, is_file_with
from headless_wheel_builder.events import Kind

if TYPE_CHECKING:
    from headless_wheel_builder.cli.configuration import Configured

ALL: Final = "all"
# Options that there is one target and one source with.
ONLY_ONE: Final = ("metadata", "env_dir", "sdist_extract_dir", "timings")
# The isolations that options for containers mean something to.
CONTAINED: Final = ("docker", "auto")
DESCRIPTION: Final = """\
Build a source distribution and a wheel, as `python -m build` does.

By default, a source distribution (sdist) is built from the project root
and a binary distribution (wheel) is built from the sdist.
If this is undesirable, you can pass `--sdist` and/or `--wheel`
to build distributions independently of each other."""

# An option of ours must never make an abbreviation of an original one ambiguous, so these are written in full.
UNABBREVIATED: Final = frozenset(
    {
        "--config-from-sdist",
        "--env-cache",
        "--fail-fast",
        "--fresh-env",
        "--inspect",
        "--isolation",
        "--jobs",
        "--json",
        "--no-fail-fast",
        "--plan",
        "--python",
        "--scheduler",
        "--shard",
        "--timings",
    }
).union(OPTIONS)


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
    config_from_sdist: bool
    report: str | None
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


class Parser(argparse.ArgumentParser):
    """An argument parser in which only the options of `python -m build` may be abbreviated."""

    def _get_option_tuples(self, option_string: str) -> Any:
        found = super()._get_option_tuples(option_string)
        return [one for one in found if not UNABBREVIATED.intersection(one[0].option_strings)]

    def forget(self, option: str) -> None:
        """Keep an option in the help only."""
        del self._option_string_actions[option]


class _CountDown(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        del parser, values, option_string
        setattr(namespace, self.dest, getattr(namespace, self.dest) - 1)


def parse_arguments(
    argv: Sequence[str], prog: str | None, configure: Callable[[Arguments], None] = lambda _: None
) -> Arguments:
    """Parse and check the arguments; a mistake in them exits with 2, as argparse does.

    :param prog: the program's name in messages; None for that of the script
    :param configure: fills in what was not given
    """
    parser = make_parser(prog, in_container=_names_containers(argv))
    arguments = parser.parse_args(argv, Arguments())
    configure(arguments)
    if arguments.isolation in CONTAINED and not _names_containers(argv) and _names_env(argv):
        return parse_arguments([f"--isolation={arguments.isolation}", *argv], prog, configure)
    _check(parser, arguments)
    return arguments


def _names_containers(argv: Sequence[str]) -> bool:
    pairs = [*itertools.pairwise(argv)]
    return any(f"--isolation={one}" in argv or ("--isolation", one) in pairs for one in CONTAINED)


def _names_env(argv: Sequence[str]) -> bool:
    return any(word.partition("=")[0] == "--env" for word in argv)


def make_parser(prog: str | None = None, *, in_container: bool = False) -> Parser:
    """Return the parser.

    :param in_container: whether `--env` is the option of containers, and not the abbreviation of `--env-dir` that it is
        for `python -m build`
    """
    options: dict[str, Any] = {"suggest_on_error": True} if sys.version_info >= (3, 14) else {}
    parser = Parser(
        prog=prog,
        add_help=False,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )
    parser.add_argument(
        "srcdirs",
        nargs="*",
        metavar="srcdir",
        help="source directory, .tar.gz source distribution, or (with --metadata) a .whl to read metadata from "
        "(defaults to the current working directory); of several, all are built in one run",
    )
    _add_global_options(parser.add_argument_group("global options"))
    _add_build_options(parser.add_argument_group("build options"))
    _add_installation_options(parser.add_argument_group("installation options"))
    _add_run_options(parser.add_argument_group("options for many targets"))
    add_container_options(parser.add_argument_group("container options"))
    if not in_container:
        parser.forget("--env")
    return parser


def _add_global_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-h", "--help", action="help", default=argparse.SUPPRESS, help="show this help message and exit")
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    group.add_argument("--version", "-V", action="version", version=f"headless-wheel-builder {__version__} ({home})")
    volume = group.add_mutually_exclusive_group()
    volume.add_argument(
        "--quiet", "-q", dest="verbosity", action=_CountDown, nargs=0, default=0, help="reduce verbosity"
    )
    volume.add_argument("--verbose", "-v", dest="verbosity", action="count", default=0, help="increase verbosity")


def _add_build_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--outdir",
        "-o",
        metavar="PATH",
        help=f"output directory (defaults to {{srcdir}}{os.sep}dist); not used with --metadata",
    )
    group.add_argument(
        "--sdist-extract-dir",
        metavar="PATH",
        help="extract the intermediate sdist to PATH (created if missing and kept afterwards), for compiler caches to"
        " have a stable path. Only affects the default (via-sdist) build and building a wheel from an sdist",
    )
    for kind, short, name in (("sdist", "-s", "source distribution"), ("wheel", "-w", "wheel")):
        group.add_argument(
            f"--{kind}",
            short,
            dest="distributions",
            action="append_const",
            const=kind,
            help=f"build a {name} (disables the default behavior)",
        )
    group.add_argument(
        "--metadata",
        action="store_true",
        help="print a wheel's metadata as JSON, building it first unless the source is a .whl already."
        " Cannot be used with --sdist or --wheel",
    )
    group.add_argument(
        "--report",
        metavar="PATH",
        help="write a JSON report of the built artifacts (name, path, kind, size and SHA-256 hash) to PATH."
        " Cannot be used with --metadata",
    )
    group.add_argument(
        "--timings",
        metavar="PATH",
        help="write how long each phase took to PATH, as a page of HTML, also when the build fails",
    )
    group.add_argument(
        "--config-from-sdist",
        action="store_true",
        help="take the settings of [tool.headless-wheel-builder] from the source distribution to build from;"
        " trust it then as your own",
    )
    _add_config_options(group.add_mutually_exclusive_group())


def _add_config_options(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument(
        "--config-setting",
        "-C",
        dest="config_settings",
        action="append",
        metavar="KEY=[VALUE]",
        help="setting for the backend; may be given many times. One that begins with a hyphen is written"
        " --config-setting=--my-setting or -C--my-setting. pip wants KEY= for one without a value",
    )
    group.add_argument(
        "--config-json",
        metavar="JSON_STRING",
        help="settings for the backend as a JSON object. Cannot be used with --config-setting",
    )


def _add_installation_options(group: argparse._ArgumentGroup) -> None:
    exclusive = group.add_mutually_exclusive_group()
    exclusive.add_argument(
        "--installer", choices=("pip", "uv"), help="Python package installer to use (defaults to uv)"
    )
    exclusive.add_argument(
        "--no-isolation",
        "-n",
        action="store_true",
        help="disable building the project in an isolated virtual environment; the same as --isolation none."
        " Build dependencies must be installed separately when this option is used",
    )
    group.add_argument(
        "--isolation",
        choices=("venv", "docker", "auto", "none"),
        help="where the backend runs: in a virtual environment (the default), in a container, whose wheels run on other"
        " people's Linux, in whichever of the two fits the project, or in the interpreter as it is",
    )
    group.add_argument(
        "--python",
        dest="pythons",
        action=Listed,
        default=[],
        metavar="VERSION|PATH",
        help="the interpreter to build for: 3.12, 3.13t, pypy3.10 or a path (defaults to the one that runs this);"
        " several with commas or given many times, or all, for each that is found and that the project is for",
    )
    group.add_argument(
        "--env-dir",
        metavar="PATH",
        help="create the isolated build environment at PATH, which must be empty; it is removed on success and kept"
        " on failure",
    )
    add_switch(
        group,
        "--fresh-env",
        "--env-cache",
        "make the build environment for this build only, rather than keep it for later builds",
    )
    group.add_argument(
        "--dependency-constraints-txt",
        metavar="PATH",
        help="constrain build dependencies using a constraints.txt when installing dependencies",
    )
    group.add_argument(
        "--skip-dependency-check",
        "-x",
        action="store_true",
        help="do not check that build dependencies are installed",
    )


def _add_run_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--jobs",
        metavar="NUMBER",
        type=_positive,
        help="how many targets are built at once (defaults to what processors and memory are enough for)",
    )
    add_switch(
        group, "--fail-fast", "--no-fail-fast", "stop the others when one has failed; what is built by then stays"
    )
    group.add_argument(
        "--inspect", action="store_true", help="print what the project is, and what would be built where; build nothing"
    )
    group.add_argument("--json", action="store_true", help="with --inspect: as JSON")
    group.add_argument("--plan", action="store_true", help="print the targets as JSON, and build nothing")
    group.add_argument(
        "--shard", metavar="I/N", help="build the I-th of N parts of the targets; the first publishes the sdist"
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="have wheels built by the workers of a dask scheduler: tls://HOST:PORT, or tcp:// on this machine",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "number"  # argparse says it in its message


def _check(parser: Parser, arguments: Arguments) -> None:
    _check_container_options(parser, arguments)
    if arguments.is_many:
        _check_many(parser, arguments)
    if arguments.no_isolation and arguments.isolation in {"venv", "docker", "auto"}:
        parser.error("argument --isolation: not allowed with argument --no-isolation/-n")
    if arguments.isolation == "none" and arguments.installer is not None:
        parser.error("argument --installer: not allowed with argument --isolation none")
    arguments.no_isolation = arguments.no_isolation or arguments.isolation == "none"
    if arguments.env_dir is not None and arguments.no_isolation:
        parser.error("--env-dir: not allowed with --no-isolation")
    if arguments.fresh_env is not None and arguments.no_isolation:
        option = "--fresh-env" if arguments.fresh_env else "--env-cache"
        parser.error(f"{option}: not allowed with --no-isolation")
    if arguments.report is not None and arguments.metadata:
        parser.error("--report: not allowed with --metadata")
    for source in arguments.srcdirs or [""]:
        _check_source(parser, arguments, source)
    if arguments.config_from_sdist and not all(is_file_with(one, SDIST_SUFFIX) for one in arguments.srcdirs or [""]):
        parser.error("--config-from-sdist: only allowed with a source distribution to build from")


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
    is_inspected = arguments.inspect and arguments.isolation is None and not arguments.no_isolation
    if arguments.isolation not in CONTAINED and not is_inspected:
        for option in given(arguments):
            parser.error(f"{option}: only allowed with --isolation docker or auto")
    elif arguments.env_dir is not None:
        parser.error(f"--env-dir: not allowed with --isolation {arguments.isolation}")
    if arguments.json and not arguments.inspect:
        parser.error("--json: only allowed with --inspect")
    if arguments.docker_hosts and arguments.scheduler is not None:
        parser.error("--scheduler: not allowed with --docker-host")

"""The parser of the command line: all options of `python -m build`, and those of our own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from headless_wheel_builder._version import __version__
from headless_wheel_builder.cli import escaping
from headless_wheel_builder.cli.containers import OPTIONS, add_container_options
from headless_wheel_builder.cli.listed import Listed
from headless_wheel_builder.cli.switch import add_switch
from headless_wheel_builder.redaction import redacted
from headless_wheel_builder.sizes import DEFAULT_SIZE, parse_size, shown_size

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
        "--clean-env",
        "--env-cache",
        "--fail-fast",
        "--fresh-env",
        "--hook-silence",
        "--hook-timeout",
        "--inspect",
        "--isolation",
        "--jobs",
        "--json",
        "--max-unpacked-size",
        "--network",
        "--no-clean-env",
        "--no-fail-fast",
        "--no-network",
        "--plan",
        "--python",
        "--scheduler",
        "--shard",
        "--timeout",
        "--timings",
    }
).union(OPTIONS)


class Parser(argparse.ArgumentParser):
    """An argument parser in which only the options of `python -m build` may be abbreviated."""

    def _get_option_tuples(self, option_string: str) -> Any:
        found = super()._get_option_tuples(option_string)
        return [one for one in found if not UNABBREVIATED.intersection(one[0].option_strings)]

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, without the credentials of an address, and the letters, that were not to be there."""
        super().error(escaping.harmless(escaping.text(redacted(message))))

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


def make_parser(prog: str | None = None, *, has_env: bool = False) -> Parser:
    """Return the parser.

    :param has_env: whether `--env` is the option for variables, and not the abbreviation of `--env-dir` that it is for
        `python -m build`
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
    if not has_env:
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
    group.add_argument(
        "--max-unpacked-size",
        metavar="SIZE",
        type=_size,
        help="refuse a source distribution that unpacks to more than this, 10GB for example"
        f" (defaults to {shown_size(DEFAULT_SIZE)})",
    )
    _add_time_options(group)
    _add_config_options(group.add_mutually_exclusive_group())


def _add_time_options(group: argparse._ArgumentGroup) -> None:
    for option, meaning in (
        ("--timeout", "how long the build may take; of many targets, that for each (defaults to no limit)"),
        ("--hook-timeout", "how long one hook of the backend may take (defaults to no limit)"),
        (
            "--hook-silence",
            "how long a hook may print nothing; then it shows where it hangs, and is ended (defaults to no limit)",
        ),
    ):
        group.add_argument(option, metavar="SECONDS", type=float, help=meaning)


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
    add_switch(
        group,
        "--no-network",
        "--network",
        "hooks have no network; requirements are installed with one. In an environment on Linux, or in a container",
    )
    add_switch(
        group,
        "--clean-env",
        "--no-clean-env",
        "give the backend no variables of yours but those that builds are told things by, and what --env names",
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


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "number"  # argparse says it in its message

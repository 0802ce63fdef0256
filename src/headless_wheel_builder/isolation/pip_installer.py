"""pip, and virtualenv beside it: make an environment, resolve requirements, and install them."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.errors import IsolationError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.bases import Base
from headless_wheel_builder.isolation.constraints import Constraints
from headless_wheel_builder.isolation.installers import (
    PYTHON_PLACES,
    Place,
    pip_files,
    requirement_files,
    run_installer,
    run_maker,
    settings,
    with_keyring,
    with_temporary,
    without,
)

if TYPE_CHECKING:
    from headless_wheel_builder.isolation.interpreters import Interpreter

# What sends an installation elsewhere, or keeps it from happening. The switches are set to 0 rather than removed, so
# that they also override pip's configuration files.
PIP_SWITCHES: Final = ("PIP_USER", "PIP_DRY_RUN", "PIP_REQUIRE_VIRTUALENV")
PIP_PLACES: Final = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REPORT")
# What makes an environment another one although it has the same distributions: how they were built.
PIP_SETTINGS: Final = ("PIP_NO_BINARY", "PIP_CONFIG_SETTINGS", "PIP_GLOBAL_OPTION", "PIP_NO_BUILD_ISOLATION")


class PipInstaller:
    """virtualenv makes the environment, pip fills it from outside, so that the environment has no pip of its own.

    :param constraints: hold for all that is installed
    """

    label = "virtualenv+pip"

    def __init__(self, constraints: Constraints | None = None) -> None:
        self._constraints = constraints

    def check(self, context: Context) -> None:
        """Do nothing: virtualenv is a dependency of this package."""
        del context

    def create(self, interpreter: Interpreter, place: Place, context: Context) -> None:
        """Make an empty environment at `place`, or raise `IsolationError`."""
        environ = {name: value for name, value in context.environ.items() if not name.startswith("VIRTUALENV_")}
        environ["VIRTUALENV_CONFIG_FILE"] = os.path.join(place.work, "virtualenv.ini")
        argv = [sys.executable, "-m", "virtualenv", "--no-seed", "--activators", "", "--no-periodic-update"]
        argv += ["--python", interpreter.executable, place.folder]
        # -m puts the current folder on sys.path: one that holds nothing.
        run_maker(argv, environ, context, cwd=place.work)

    def install(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, requirements: Sequence[str]
    ) -> None:
        """Install requirements for the environment's `python`, or raise `DependencyError`."""
        argv = _pip(interpreter, python, context, "--no-warn-script-location", "--no-compile")
        argv += requirement_files(place.work, requirements, self._constraints)
        run_installer(argv, _environ(place.work, context), context)

    def resolve(self, base: Base, work: str, context: Context, requirements: Sequence[str]) -> str:
        """Return what `install` would install, one exact requirement a line with its hashes, in a fixed order.

        :raises DependencyError: the requirements cannot be installed
        """
        interpreter, report = base.describe(), os.path.join(work, "report.json")
        argv = _pip(interpreter, interpreter.executable, context, "--dry-run", "--ignore-installed", "--report", report)
        argv += requirement_files(work, requirements, self._constraints)
        run_installer(argv, _environ(work, context), context)
        with open(report, encoding="utf-8") as file:
            return "".join(sorted(map(exact, json.load(file)["install"])))

    def install_resolved(
        self, interpreter: Interpreter, python: str, place: Place, context: Context, text: str
    ) -> None:
        """Install exactly what `resolve` returned, or raise `DependencyError`."""
        argv = _pip(interpreter, python, context, "--no-warn-script-location", "--no-compile", "--no-deps")
        argv += requirement_files(place.work, text.splitlines(), None)
        run_installer(argv, _environ(place.work, context), context)

    def settings(self, environ: Mapping[str, str]) -> Sequence[str]:
        """Return the settings that decide what an environment with given distributions looks like."""
        return settings(environ, PIP_SETTINGS, pip_files(environ))


def _pip(interpreter: Interpreter, python: str, context: Context, *options: str) -> list[str]:
    # -I: neither a pip folder in the current one nor the user's site is imported.
    argv = [python, "-I", os.path.join(_pip_wheel(interpreter), "pip")]
    if context.verbosity > 1:
        argv.append(f"-{'v' * (context.verbosity - 1)}")
    return [*argv, "install", "--use-pep517", "--no-input", "--disable-pip-version-check", *options]


def _environ(work: str, context: Context) -> dict[str, str]:
    environ = without(context.environ, (*PIP_PLACES, *PYTHON_PLACES))
    environ.update(dict.fromkeys(PIP_SWITCHES, "0"))
    return with_keyring(with_temporary(environ, work), "PIP_KEYRING_PROVIDER")


def exact(item: Mapping[str, Any]) -> str:
    """Return the line for one distribution of pip's installation report."""
    name, version = item["metadata"]["name"], item["metadata"]["version"]
    info = item["download_info"]
    if item["is_direct"]:
        # Only to say what it is: passwords are left out, and pip does not take a commit beside what has a hash.
        return f"{name} @ {info['url']}\n"
    hashes = info.get("archive_info", {}).get("hashes", {})
    return f"{name}=={version}" + "".join(f" --hash={kind}:{value}" for kind, value in hashes.items()) + "\n"


def embedded_pip(version: str) -> str | None:
    """Return the pip that virtualenv brings for a Python, None if it has none.

    :param version: for example `3.12`
    """
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wheel = get_embed_wheel("pip", version)
    # For an interpreter that is too old for all that it brings, virtualenv gives nothing, or the newest.
    return str(wheel.path) if wheel is not None and wheel.support_py(version) else None


def _pip_wheel(interpreter: Interpreter) -> str:
    if (embedded := embedded_pip(interpreter.minor_version)) is not None:
        return embedded
    bundled = sorted(glob.glob(os.path.join(glob.escape(interpreter.ensurepip), "pip-*.whl")))
    if not bundled:
        raise IsolationError(
            f"There is no pip for Python {interpreter.minor_version}",
            cause=f"virtualenv has none for it, and {interpreter.ensurepip} holds none.",
            hint="Pass --installer uv.",
        )
    return bundled[-1]

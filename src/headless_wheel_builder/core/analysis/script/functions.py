"""What the functions that Python has built in give."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headless_wheel_builder.core.analysis.script import methods, operations
from headless_wheel_builder.core.analysis.script.surroundings import CALLS, VALUES
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Class,
    External,
    Instance,
    Tainted,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def make_list(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    if not args:
        return []
    found = operations.items_of(args[0])
    return [REST] if found is None else list(found)


def make_dict(_run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    made: dict[object, object] = {}
    methods.method(made, "update", args[:1], kwargs)
    return made


def map_all(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[1]) if len(args) > 1 else None
    if found is None:
        return [REST]
    return [REST if one is REST else run.call(args[0], [one], {}) for one in found]


def filter_all(run: Interpreter, args: list[Any], kwargs: dict[str, object]) -> object:
    return make_list(run, args[1:], kwargs)


def length(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    return UNKNOWN if found is None or REST in found else tainted(len(found), args[0])


def is_instance(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    match [bare(one) for one in args]:
        case [Instance() as one, (Class() | External()) as kind]:
            wanted = kind.name.rpartition(".")[2] if isinstance(kind, External) else kind.node.name
            return True if wanted in one.kinds() else UNKNOWN
        case [str() | list() | dict() as one, External(name=name)]:
            return type(one).__name__ == name.rpartition(".")[2]
        case _:
            return UNKNOWN


def get_attribute(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    """Return what `getattr` gives."""
    owner, name, *default = [*args, UNKNOWN, UNKNOWN][: max(len(args), 2)]
    plain = bare(name)
    if not isinstance(plain, str):
        return UNKNOWN
    found = run.attribute(owner, plain)
    if default and isinstance(owner, External) and owner.name == "sys" and isinstance(found, External):
        return Tainted(default[0], "interpreter", found.name)
    return found


def has_attribute(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    """Return what `hasattr` gives."""
    owner, name = [*args, UNKNOWN, UNKNOWN][:2]
    match owner, bare(name):
        case External(name="sys"), str() as plain:
            known = f"sys.{plain}"
            return Tainted(known in VALUES or known in CALLS, "interpreter", known)
        case Instance(made_by=Class() as kind), str() as plain:
            known_here = plain in owner.attributes or kind.has(plain)
            return known_here or (UNKNOWN if kind.bases else False)
        case _:
            return UNKNOWN


def set_attribute(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    """Do what `setattr` does."""
    match [bare(one) for one in args[:2]]:
        case [Instance() as owner, str() as name] if len(args) > 2:  # noqa: PLR2004
            owner.attributes[name] = args[2]
    return None


def convert(kind: Callable[[Any], object]) -> Callable[[Interpreter, list[Any], dict[str, object]], object]:
    def call(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
        plain = bare(args[0]) if args else ""
        try:
            known = isinstance(plain, (str, int, float)) and len(str(plain)) < operations.SIZE_LIMIT
            return tainted(kind(plain) if known else UNKNOWN, *args[:1])
        except ValueError:
            return tainted(UNKNOWN, *args[:1])

    return call


def make_bool(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    known = operations.truth(bare(args[0])) if args else False
    return tainted(UNKNOWN if known is None else known, *args[:1])


def any_of(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    truths = [operations.truth(bare(one)) for one in found or []]
    if True in truths:
        return tainted(True, *found or [])
    return UNKNOWN if found is None or None in truths else tainted(False, *found)


def all_of(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    truths = [operations.truth(bare(one)) for one in found or []]
    if False in truths:
        return tainted(False, *found or [])
    return UNKNOWN if found is None or None in truths else tainted(True, *found)


def enumerate_all(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    found = operations.items_of(args[0]) if args else None
    return [REST] if found is None else [one if one is REST else (at, one) for at, one in enumerate(found)]


def zip_all(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    many = [operations.items_of(one) for one in args]
    return [REST] if None in many else [*zip(*many, strict=False)]


def execute(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    run.execute_text(bare(args[0]) if args else UNKNOWN, args[1] if len(args) > 1 else None)
    return None


def same(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    return args[0] if args else UNKNOWN

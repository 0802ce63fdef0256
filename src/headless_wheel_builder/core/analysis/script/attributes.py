"""What attributes of values are."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.analysis.script import calls
from headless_wheel_builder.core.analysis.script.surroundings import external_value
from headless_wheel_builder.core.analysis.script.values import (
    UNKNOWN,
    Bound,
    Class,
    External,
    Function,
    Instance,
    Scope,
    Super,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


_PATH_ATTRIBUTES: Final[dict[str, Callable[[str], object]]] = {
    "parent": posixpath.dirname,
    "name": posixpath.basename,
    "suffix": lambda path: posixpath.splitext(path)[1],
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
}


def attribute(run: Interpreter, owner: object, name: str) -> object:
    """Return an attribute of a value."""
    plain = bare(owner)
    match plain:
        case External():
            return external_value(f"{plain.name}.{name}")
        case Instance():
            return _of_instance(run, plain, name)
        case Class() | Scope():
            return _member(plain, name)
        case str() if name in _PATH_ATTRIBUTES:
            return tainted(_PATH_ATTRIBUTES[name](plain), owner)
        case tuple() if name in {"major", "minor"} and len(plain) > 1:
            return tainted(plain[name == "minor"], owner)
        case Super():
            return Bound(plain, name)
        case str() | bytes() | list() | dict() | set():
            return Bound(owner, name)
        case _:
            return UNKNOWN


def _member(owner: Class | Scope, name: str) -> object:
    try:
        found = owner.member(name) if isinstance(owner, Class) else owner.names[name]
    except KeyError:
        return UNKNOWN
    return found


def _of_instance(run: Interpreter, owner: Instance, name: str) -> object:
    if name in owner.attributes:
        return owner.attributes[name]
    if isinstance(owner.made_by, Class) and owner.made_by.has(name):
        found = owner.made_by.member(name)
        if not isinstance(found, Function):
            return found
        return run.call(found, [owner], {}) if calls.is_property(found) else Bound(owner, name, found)
    if name in {"name", "sources"} and len(owner.args) > (name == "sources"):
        return owner.args[name == "sources"]
    return owner.kwargs.get(name, Bound(owner, name))


def super_of(scope: Scope) -> object:
    """Return what `super()` is in a method."""
    try:
        return Super(scope.find("self"), scope.find("__bases__"))
    except KeyError:
        return UNKNOWN

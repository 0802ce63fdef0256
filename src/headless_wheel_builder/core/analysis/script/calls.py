"""Calls of functions, methods and classes of the tree, and of what is not in it."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.analysis.script import methods, paths, statements
from headless_wheel_builder.core.analysis.script.decisions import DEPTH_LIMIT
from headless_wheel_builder.core.analysis.script.externals import call_external
from headless_wheel_builder.core.analysis.script.importing import ALWAYS_THERE
from headless_wheel_builder.core.analysis.script.values import (
    REST,
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

PROPERTIES: Final = frozenset(["property", "cached_property"])


def call(
    run: Interpreter, function: object, args: list[object], kwargs: dict[str, object], node: ast.Call | None
) -> object:
    """Call something and return what it gives."""
    run.way.step()
    plain = bare(function)
    if _is_setup(plain, node):
        run.record(plain, args, kwargs, node)
        return UNKNOWN
    match plain:
        case Function():
            return _call_function(run, plain, args, kwargs)
        case Class():
            return _make(run, plain, args, kwargs)
        case External():
            found = call_external(run, plain.name, args, kwargs)
            if found is UNKNOWN and _is_foreign(plain.name):
                _spoil(args)
            return found
        case Bound():
            return _call_method(run, plain, args, kwargs)
        case _:
            _spoil(args)
            return UNKNOWN


def _spoil(args: list[object]) -> None:
    """Leave open what something unknown did to the lists and dicts that it got."""
    for one in map(bare, args):
        if isinstance(one, list):
            one.append(REST)
        elif isinstance(one, dict):
            one[REST] = UNKNOWN


def _is_foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return "." in name and top not in ALWAYS_THERE and top not in sys.stdlib_module_names


def _is_setup(function: object, node: ast.Call | None) -> bool:
    if isinstance(function, External):
        return function.name.rpartition(".")[2] == "setup"
    # Of a module that cannot be seen, as with `from helpers import *`.
    return function is UNKNOWN and node is not None and isinstance(node.func, ast.Name) and node.func.id == "setup"


def is_property(function: Function) -> bool:
    """Tell whether a method is a property."""
    return _is_decorated(function, PROPERTIES)


def _is_decorated(function: Function, names: frozenset[str]) -> bool:
    if isinstance(function.node, ast.Lambda):
        return False
    decorators = [
        one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in function.node.decorator_list
    ]
    return not names.isdisjoint(decorators)


def _call_function(run: Interpreter, function: Function, args: list[object], kwargs: dict[str, object]) -> object:
    if len(run.frames) >= DEPTH_LIMIT:
        return UNKNOWN
    scope = Scope(function.scope.place, function.scope)
    _bind(run, function, scope, args, kwargs)
    place, line = run.place, run.line
    run.frames.append(scope.place)
    try:
        return _result(run, function, scope)
    finally:
        run.frames.pop()
        run.place, run.line = place, line


def _result(run: Interpreter, function: Function, scope: Scope) -> object:
    if isinstance(function.node, ast.Lambda):
        return run.evaluate(function.node.body, scope)
    try:
        run.execute(function.node.body, scope)
    except statements.ReturnedError as signal:
        return scope.yielded or signal.value
    return scope.yielded or None


def _bind(run: Interpreter, function: Function, scope: Scope, args: list[object], kwargs: dict[str, object]) -> None:
    spec = function.node.args
    names = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    for name, default in zip(reversed(names), reversed(spec.defaults), strict=False):
        scope.names[name] = run.evaluate(default, function.scope)
    for one, value_default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        scope.names[one.arg] = run.evaluate(value_default, function.scope) if value_default else UNKNOWN
    for name in names[: len(names) - len(spec.defaults)]:
        scope.names[name] = UNKNOWN
    scope.names.update(zip(names, (UNKNOWN if arg is REST else arg for arg in args), strict=False))
    known = {*names, *(one.arg for one in spec.kwonlyargs)}
    scope.names.update((name, arg) for name, arg in kwargs.items() if name in known)
    if spec.vararg:
        scope.names[spec.vararg.arg] = [*args[len(names) :]]
    if spec.kwarg:
        scope.names[spec.kwarg.arg] = {name: arg for name, arg in kwargs.items() if name not in known}


def _make(run: Interpreter, kind: Class, args: list[object], kwargs: dict[str, object]) -> Instance:
    made = Instance(kind, args, dict(kwargs))
    if kind.has("__init__") and isinstance(init := kind.member("__init__"), Function):
        _call_function(run, init, [made, *args], kwargs)
    return made


def _call_method(run: Interpreter, bound: Bound, args: list[object], kwargs: dict[str, object]) -> object:
    receiver = bare(bound.receiver)
    if bound.function is not None:
        is_static = _is_decorated(bound.function, frozenset(["staticmethod"]))
        return _call_function(run, bound.function, args if is_static else [receiver, *args], kwargs)
    if isinstance(receiver, Super):
        return _call_super(run, receiver, bound.name, args, kwargs)
    if isinstance(receiver, Instance):
        if not paths.is_file(receiver):
            return UNKNOWN
        return {"read": paths.read(run, receiver.args[0]), "readlines": paths.lines(run, receiver)}.get(
            bound.name, UNKNOWN
        )
    if isinstance(receiver, str) and bound.name in paths.PATH_METHODS:
        return tainted(paths.call_path(run, receiver, bound.name, args), bound.receiver)
    return methods.method(bound.receiver, bound.name, args, kwargs)


def _call_super(run: Interpreter, receiver: Super, name: str, args: list[object], kwargs: dict[str, object]) -> object:
    bases = receiver.bases if isinstance(receiver.bases, tuple) else ()
    for base in bases:
        if isinstance(base, Class) and base.has(name) and isinstance(found := base.member(name), Function):
            return _call_function(run, found, [receiver.receiver, *args], kwargs)
    if name == "__init__" and isinstance(receiver.receiver, Instance):
        receiver.receiver.args = args
        receiver.receiver.kwargs.update(kwargs)
    return UNKNOWN

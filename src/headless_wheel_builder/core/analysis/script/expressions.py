"""What the expressions of setup.py stand for."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script import attributes, displays, operations
from headless_wheel_builder.core.analysis.script.subscripts import subscript
from headless_wheel_builder.core.analysis.script.surroundings import environment
from headless_wheel_builder.core.analysis.script.values import (
    MORE,
    REST,
    UNKNOWN,
    External,
    Function,
    Scope,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter

BUILTINS: Final = frozenset(
    [
        "list",
        "tuple",
        "sorted",
        "set",
        "reversed",
        "dict",
        "map",
        "filter",
        "len",
        "isinstance",
        "getattr",
        "hasattr",
        "setattr",
        "str",
        "int",
        "bool",
        "open",
        "exit",
        "super",
        "any",
        "all",
        "zip",
        "enumerate",
        "range",
        "print",
        "exec",
        "compile",
        "object",
        "Exception",
        "property",
        "staticmethod",
        "classmethod",
    ]
)
# More than this many turns tell nothing more.
TURN_LIMIT: Final = 500


def _constant(_run: Interpreter, node: ast.Constant, _scope: Scope) -> object:
    return node.value if isinstance(node.value, operations.PLAIN) else UNKNOWN


def _name(_run: Interpreter, node: ast.Name, scope: Scope) -> object:
    try:
        return scope.find(node.id)
    except KeyError:
        return External(node.id) if node.id in BUILTINS else UNKNOWN


def _attribute(run: Interpreter, node: ast.Attribute, scope: Scope) -> object:
    return run.attribute(run.evaluate(node.value, scope), node.attr)


def _call(run: Interpreter, node: ast.Call, scope: Scope) -> object:
    function = run.evaluate(node.func, scope)
    args: list[object] = [*displays.flat(run, node.args, scope)]
    kwargs: dict[str, object] = {}
    for keyword in node.keywords:
        value = run.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        else:
            plain = bare(value)
            many = plain if isinstance(plain, dict) else {REST: UNKNOWN}
            kwargs.update((key if isinstance(key, str) else MORE, one) for key, one in many.items())
    if isinstance(function, External) and function.name == "super":
        return attributes.super_of(scope)
    return run.call(function, args, kwargs, node)


def _if(run: Interpreter, node: ast.IfExp, scope: Scope) -> object:
    return run.evaluate(node.body if run.test(node.test, scope) else node.orelse, scope)


def _bool(run: Interpreter, node: ast.BoolOp, scope: Scope) -> object:
    is_or = isinstance(node.op, ast.Or)
    value: object = UNKNOWN
    dependent: list[object] = []
    for part in node.values:
        value = run.evaluate(part, scope)
        dependent.append(value)
        known = operations.truth(bare(value))
        if known is None:
            # In a test, each is a decision of its own.
            known = run.decide(value, part)
        if known == is_or:
            break
    return tainted(value, *dependent)


def _unary(run: Interpreter, node: ast.UnaryOp, scope: Scope) -> object:
    value = run.evaluate(node.operand, scope)
    if not isinstance(node.op, ast.Not):
        return operations.unary(node.op, value)
    known = operations.truth(bare(value))
    return UNKNOWN if known is None and value is UNKNOWN else tainted(UNKNOWN if known is None else not known, value)


def _binary(run: Interpreter, node: ast.BinOp, scope: Scope) -> object:
    left = run.evaluate(node.left, scope)
    return operations.binary(node.op, left, run.evaluate(node.right, scope))


def _compare(run: Interpreter, node: ast.Compare, scope: Scope) -> object:
    left = run.evaluate(node.left, scope)
    result: object = True
    for kind, part in zip(node.ops, node.comparators, strict=True):
        right = run.evaluate(part, scope)
        if isinstance(right, External) and right.name == "os.environ":
            return environment(left, isinstance(kind, ast.NotIn))
        found = operations.compare(kind, left, right)
        if bare(found) is not True:
            return tainted(found, result)
        result, left = tainted(found, result), right
    return result


def _lambda(_run: Interpreter, node: ast.Lambda, scope: Scope) -> object:
    return Function(node, scope)


def _named(run: Interpreter, node: ast.NamedExpr, scope: Scope) -> object:
    value = run.evaluate(node.value, scope)
    run.assign(node.target, value, scope)
    return value


def _yield(run: Interpreter, node: ast.Yield, scope: Scope) -> object:
    scope.yielded.append(run.evaluate(node.value, scope) if node.value else None)
    return UNKNOWN


def _yield_from(run: Interpreter, node: ast.YieldFrom, scope: Scope) -> object:
    found = operations.items_of(run.evaluate(node.value, scope))
    scope.yielded += [REST] if found is None else found
    return UNKNOWN


EVALUATORS: Final[dict[type, Callable[[Interpreter, Any, Scope], object]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.List: displays.list_display,
    ast.Tuple: displays.list_display,
    ast.Set: displays.list_display,
    ast.Dict: displays.dict_display,
    ast.Subscript: subscript,
    ast.IfExp: _if,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.JoinedStr: displays.formatted,
    ast.ListComp: displays.comprehension,
    ast.SetComp: displays.comprehension,
    ast.GeneratorExp: displays.comprehension,
    ast.DictComp: displays.dict_comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}

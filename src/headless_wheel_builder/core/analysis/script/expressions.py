"""What the expressions of setup.py stand for."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.externals import environment, external_value
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


def evaluate(run: Interpreter, node: ast.expr, scope: Scope) -> object:
    """Return what an expression stands for."""
    run.way.step()
    evaluator = _EVALUATORS.get(type(node))
    return evaluator(run, node, scope) if evaluator else UNKNOWN


def _constant(_run: Interpreter, node: ast.Constant, _scope: Scope) -> object:
    return node.value if isinstance(node.value, operations.PLAIN) else UNKNOWN


def _name(_run: Interpreter, node: ast.Name, scope: Scope) -> object:
    try:
        return scope.find(node.id)
    except KeyError:
        return External(node.id) if node.id in BUILTINS else UNKNOWN


def _attribute(run: Interpreter, node: ast.Attribute, scope: Scope) -> object:
    return run.attribute(evaluate(run, node.value, scope), node.attr)


def attribute(run: Interpreter, owner: object, name: str) -> object:
    """Return an attribute of a value."""
    plain = bare(owner)
    match plain:
        case External():
            return external_value(f"{plain.name}.{name}")
        case Instance():
            return run.attribute_of_instance(plain, name)
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


_PATH_ATTRIBUTES: Final[dict[str, Callable[[str], object]]] = {
    "parent": posixpath.dirname,
    "name": posixpath.basename,
    "suffix": lambda path: posixpath.splitext(path)[1],
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
}


def _call(run: Interpreter, node: ast.Call, scope: Scope) -> object:
    function = evaluate(run, node.func, scope)
    args: list[object] = [*_flat(run, node.args, scope)]
    kwargs: dict[str, object] = {}
    for keyword in node.keywords:
        value = evaluate(run, keyword.value, scope)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        else:
            plain = bare(value)
            kwargs.update(plain if isinstance(plain, dict) else {REST: UNKNOWN})  # type: ignore[dict-item]
    if isinstance(function, External) and function.name == "super":
        return run.super_of(scope)
    return run.call(function, args, kwargs, node)


def _flat(run: Interpreter, nodes: list[ast.expr], scope: Scope) -> Iterator[object]:
    for node in nodes:
        if not isinstance(node, ast.Starred):
            yield evaluate(run, node, scope)
            continue
        found = operations.items_of(evaluate(run, node.value, scope))
        yield from [REST] if found is None else found


def _list(run: Interpreter, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> object:
    items = [*_flat(run, node.elts, scope)]
    if isinstance(node, ast.Tuple):
        return tuple(items)
    # Sets hold what cannot be hashed here; their order and repetitions tell nothing.
    return items


def _dict(run: Interpreter, node: ast.Dict, scope: Scope) -> object:
    made: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        found = evaluate(run, value, scope)
        if key is None:
            plain = bare(found)
            made.update(plain if isinstance(plain, dict) else {REST: UNKNOWN})
            continue
        name = bare(evaluate(run, key, scope))
        made[name if isinstance(name, operations.PLAIN) and not isinstance(name, tuple) else REST] = found
    return made


def _subscript(run: Interpreter, node: ast.Subscript, scope: Scope) -> object:
    container = evaluate(run, node.value, scope)
    key = _slice(run, node.slice, scope) if isinstance(node.slice, ast.Slice) else evaluate(run, node.slice, scope)
    if isinstance(container, External) and container.name == "os.environ":
        # A variable that is not there: for a plain build this raises.
        if run.is_guarded:
            run.maybe_missing(key, node)
        return environment(key, UNKNOWN)
    return operations.item(container, key)


def _slice(run: Interpreter, node: ast.Slice, scope: Scope) -> object:
    parts = [bare(evaluate(run, part, scope)) if part else None for part in (node.lower, node.upper, node.step)]
    if all(part is None or isinstance(part, int) for part in parts):
        return slice(*parts)
    return UNKNOWN


def _if(run: Interpreter, node: ast.IfExp, scope: Scope) -> object:
    return evaluate(run, node.body if run.test(node.test, scope) else node.orelse, scope)


def _bool(run: Interpreter, node: ast.BoolOp, scope: Scope) -> object:
    is_or = isinstance(node.op, ast.Or)
    value: object = UNKNOWN
    dependent: list[object] = []
    for part in node.values:
        value = evaluate(run, part, scope)
        dependent.append(value)
        known = operations.truth(bare(value))
        if known is None:
            # In a test, each is a decision of its own.
            known = run.decide(value, part)
        if known == is_or:
            break
    return tainted(value, *dependent)


def _unary(run: Interpreter, node: ast.UnaryOp, scope: Scope) -> object:
    value = evaluate(run, node.operand, scope)
    if not isinstance(node.op, ast.Not):
        return operations.unary(node.op, value)
    known = operations.truth(bare(value))
    return UNKNOWN if known is None and value is UNKNOWN else tainted(UNKNOWN if known is None else not known, value)


def _binary(run: Interpreter, node: ast.BinOp, scope: Scope) -> object:
    left = evaluate(run, node.left, scope)
    return operations.binary(node.op, left, evaluate(run, node.right, scope))


def _compare(run: Interpreter, node: ast.Compare, scope: Scope) -> object:
    left = evaluate(run, node.left, scope)
    result: object = True
    for kind, part in zip(node.ops, node.comparators, strict=True):
        right = evaluate(run, part, scope)
        if isinstance(right, External) and right.name == "os.environ":
            return environment(left, isinstance(kind, ast.NotIn))
        found = operations.compare(kind, left, right)
        if bare(found) is not True:
            return tainted(found, result)
        result, left = tainted(found, result), right
    return result


def _format(run: Interpreter, node: ast.JoinedStr, scope: Scope) -> object:
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
            return UNKNOWN
        value = evaluate(run, part.value if isinstance(part, ast.FormattedValue) else part, scope)
        if not isinstance(bare(value), (str, int, float)):
            return UNKNOWN
        parts.append(str(bare(value)))
    return "".join(parts)


def _comprehension(run: Interpreter, node: Any, scope: Scope) -> object:
    inner = Scope(scope.place, scope)
    made: list[object] = []
    _generate(run, node.generators, inner, lambda: made.append(evaluate(run, node.elt, inner)), made)
    return made


def _dict_comprehension(run: Interpreter, node: ast.DictComp, scope: Scope) -> object:
    inner = Scope(scope.place, scope)
    made: dict[object, object] = {}

    def add() -> None:
        key = bare(evaluate(run, node.key, inner))
        made[key if isinstance(key, str) else REST] = evaluate(run, node.value, inner)

    _generate(run, node.generators, inner, add, [])
    return made


def _generate(
    run: Interpreter, generators: list[ast.comprehension], scope: Scope, add: Callable[[], None], made: list[object]
) -> None:
    if not generators:
        add()
        return
    first, *rest = generators
    for item in run.turns(first.iter, scope):
        run.assign(first.target, UNKNOWN if item is REST else item, scope)
        if all(run.test(one, scope) for one in first.ifs):
            _generate(run, rest, scope, add, made)


def _lambda(_run: Interpreter, node: ast.Lambda, scope: Scope) -> object:
    return Function(node, scope)


def _named(run: Interpreter, node: ast.NamedExpr, scope: Scope) -> object:
    value = evaluate(run, node.value, scope)
    run.assign(node.target, value, scope)
    return value


def _yield(run: Interpreter, node: ast.Yield, scope: Scope) -> object:
    scope.yielded.append(evaluate(run, node.value, scope) if node.value else None)
    return UNKNOWN


def _yield_from(run: Interpreter, node: ast.YieldFrom, scope: Scope) -> object:
    found = operations.items_of(evaluate(run, node.value, scope))
    scope.yielded += [REST] if found is None else found
    return UNKNOWN


_EVALUATORS: Final[dict[type, Callable[[Interpreter, Any, Scope], object]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.Subscript: _subscript,
    ast.IfExp: _if,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.JoinedStr: _format,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}

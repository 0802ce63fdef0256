"""What operators and methods do to values that are known; anything that could take long is not known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any, Final

from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Bound,
    Class,
    External,
    Function,
    Instance,
    Mark,
    Tainted,
    bare,
    tainted,
)

SIZE_LIMIT: Final = 100_000
PLAIN: Final = (str, bytes, int, float, bool, tuple, type(None))
STRING_METHODS: Final = frozenset(
    [
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "startswith",
        "endswith",
        "split",
        "rsplit",
        "partition",
        "rpartition",
        "replace",
        "join",
        "title",
        "format",
        "capitalize",
        "isdigit",
        "splitlines",
        "removeprefix",
        "removesuffix",
        "find",
        "count",
        "encode",
        "decode",
    ]
)
LIST_METHODS: Final = frozenset(["append", "extend", "insert", "pop", "remove", "copy", "index", "sort", "clear"])
DICT_METHODS: Final = frozenset(["get", "update", "setdefault", "pop", "items", "keys", "values", "copy"])
SET_METHODS: Final = frozenset(["add", "update", "union", "discard"])

_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], object]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def is_known(value: object) -> bool:
    """Tell whether a value stands for itself, with all that it holds."""
    if isinstance(value, (list, tuple, set)):
        return all(map(is_known, value))
    if isinstance(value, dict):
        return all(map(is_known, value)) and all(map(is_known, value.values()))
    return isinstance(value, PLAIN)


def truth(value: object) -> bool | None:
    """Return what a test of a value gives; None if it cannot be known."""
    if isinstance(value, (list, tuple, set, dict)):
        return None if value and all(one is REST for one in value) else bool(value)
    if isinstance(value, PLAIN):
        return bool(value)
    return True if isinstance(value, (Function, Class, Bound, Instance)) else None


def unary(node: ast.unaryop, value: object) -> object:
    """Return what an operator gives; `not` is not one of them."""
    plain = bare(value)
    if not isinstance(plain, (int, float)):
        return tainted(UNKNOWN, value)
    return tainted(-plain if isinstance(node, ast.USub) else plain, value)


def binary(node: ast.operator, left: object, right: object) -> object:
    """Return what an operator gives."""
    return tainted(_binary(node, bare(left), bare(right)), left, right)


def _binary(node: ast.operator, left: Any, right: Any) -> object:
    if isinstance(node, ast.Add) and isinstance(left, list):
        return left + (right if isinstance(right, list) else [REST])
    if isinstance(node, ast.Add) and isinstance(right, list):
        return [REST, *right] if left is UNKNOWN else UNKNOWN
    if isinstance(node, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(node, ast.Mult) and isinstance(left, list) and isinstance(right, int):
        return left * min(right, 8)
    return _arithmetic(node, left, right) if is_known(left) and is_known(right) else UNKNOWN


def _arithmetic(node: ast.operator, left: Any, right: Any) -> object:
    try:
        match node:
            case ast.Add():
                return left + right if max(_size(left), _size(right)) < SIZE_LIMIT else UNKNOWN
            case ast.Sub():
                return left - right
            case ast.Mod() if not isinstance(left, (str, bytes)) or "*" not in str(left):
                # A width in the format could ask for gigabytes.
                return left % right if _is_short_format(left) else UNKNOWN
            case ast.Div() if isinstance(left, str) or isinstance(right, str):
                return f"{left}/{right}"
            case _:
                return UNKNOWN
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return UNKNOWN


def _is_short_format(template: object) -> bool:
    return not isinstance(template, (str, bytes)) or not any(digit in str(template) for digit in "123456789")


def _size(value: object) -> int:
    return len(value) if isinstance(value, (str, bytes, tuple)) else 0


def compare(node: ast.cmpop, left: object, right: object) -> object:
    """Return what a comparison gives."""
    return tainted(_compare(node, bare(left), bare(right)), left, right)


def _compare(node: ast.cmpop, left: object, right: object) -> object:
    if isinstance(node, (ast.In, ast.NotIn)):
        return _contains(node, left, right)
    if isinstance(node, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)) and None in {_simple(left), _simple(right)}:
        # Whatever is made here is not None.
        if any(isinstance(one, (Instance, Class, Function, External, list, dict)) for one in (left, right)):
            return isinstance(node, (ast.IsNot, ast.NotEq))
    if not (is_known(left) and is_known(right)):
        return UNKNOWN
    try:
        return bool(_COMPARISONS[type(node)](left, right))
    except TypeError:
        return UNKNOWN


def _simple(value: object) -> object:
    return value if isinstance(value, (str, int, float, type(None))) else Mark


def _contains(node: ast.cmpop, one: object, many: Any) -> object:
    if not isinstance(many, (list, tuple, set, dict, str, bytes)) or not is_known(one):
        return UNKNOWN
    try:
        found = one in many
    except TypeError:
        return UNKNOWN
    if not found and not isinstance(many, (str, bytes)) and any(not is_known(item) for item in many):
        return UNKNOWN
    return found == isinstance(node, ast.In)


def item(container: object, key: object) -> object:
    """Return what subscription gives."""
    return tainted(_item(bare(container), bare(key)), container, key)


def _item(container: Any, key: Any) -> object:
    try:
        if isinstance(container, dict) and is_known(key):
            return container[key] if key in container or REST not in container else UNKNOWN
        if isinstance(container, (list, tuple, str)) and isinstance(key, (int, slice)):
            return UNKNOWN if REST in container else container[key]
    except (LookupError, TypeError, ValueError):
        pass
    return UNKNOWN


def items_of(value: object) -> list[object] | None:
    """Return what a loop goes through; None if it cannot be known. `REST` is among it where there may be more."""
    plain = bare(value)
    if isinstance(plain, (list, tuple, set, dict)):
        return [tainted(one, value) for one in plain]
    return list(plain) if isinstance(plain, str) and len(plain) < SIZE_LIMIT else None


def method(receiver: object, name: str, args: list[object], kwargs: dict[str, object]) -> object:
    """Call a method of a constant, a list, a dict or a set."""
    plain, plain_args = bare(receiver), [bare(one) for one in args]
    try:
        return tainted(_method(plain, name, plain_args, kwargs), receiver, *args)
    except (TypeError, ValueError, LookupError, AttributeError):
        return UNKNOWN


def _method(receiver: Any, name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    if isinstance(receiver, dict):
        return _of_dict(receiver, name, args, kwargs) if name in DICT_METHODS else UNKNOWN
    if isinstance(receiver, list):
        return _of_list(receiver, name, args) if name in LIST_METHODS else UNKNOWN
    if isinstance(receiver, set):
        return _of_set(receiver, name, args) if name in SET_METHODS else UNKNOWN
    if isinstance(receiver, (str, bytes)) and name in STRING_METHODS:
        return _of_string(receiver, name, args, kwargs)
    return UNKNOWN


def _of_string(receiver: str | bytes, name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    is_safe = len(receiver) < SIZE_LIMIT and all(is_known(one) for one in [*args, *kwargs.values()])
    if (
        not is_safe
        or (name == "format" and ":" in str(receiver))
        or (name == "replace" and len(receiver) > SIZE_LIMIT // 10)
    ):
        return UNKNOWN
    result: object = getattr(receiver, name)(*args, **kwargs)
    return result


def _of_list(receiver: list[object], name: str, args: list[Any]) -> object:
    match name, args:
        case "extend", [many]:
            found = items_of(many)
            receiver += [REST] if found is None else found
            return None
        case "append", [one]:
            receiver.append(one)
            return None
        case "remove" | "index", [_]:
            return UNKNOWN
        case "sort", _:
            return None
        case _:
            result: object = getattr(receiver, name)(*args)
            return result


def _of_dict(receiver: dict[object, object], name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    match name, args:
        case "update", _:
            for one in args:
                receiver.update(one if isinstance(one, dict) else _pairs(one))
            receiver.update(kwargs)
            return None
        case "get" | "pop", [key, *rest]:
            missing = UNKNOWN if REST in receiver else rest[0] if rest else None
            return receiver.get(key, missing) if name == "get" else receiver.pop(key, missing)
        case "setdefault", [key, *rest]:
            return receiver.setdefault(key, rest[0] if rest else None)
        case "items", []:
            return [REST if key is REST else (key, one) for key, one in receiver.items()]
        case "copy", []:
            return dict(receiver)
        case _:
            return list(receiver if name == "keys" else receiver.values())


def _pairs(many: object) -> dict[object, object]:
    pairs = many if isinstance(many, list) else [REST]
    if all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):  # noqa: PLR2004
        return dict(pairs)
    return {REST: UNKNOWN}


def _of_set(receiver: set[object], name: str, args: list[Any]) -> object:
    many: Iterable[object] = [one for arg in args for one in (items_of(arg) or [REST])]
    match name:
        case "add":
            receiver.add(args[0])
        case "update":
            receiver.update(many)
        case "union":
            return {*receiver, *many}
        case _:
            receiver.discard(args[0])
    return None


def as_tainted(value: object) -> Tainted | None:
    """Return a value if it depends on something."""
    return value if isinstance(value, Tainted) else None

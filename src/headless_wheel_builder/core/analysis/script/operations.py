"""What operators and methods do to values that are known; anything that could take long is not known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Bound,
    Class,
    External,
    Function,
    Instance,
    bare,
    tainted,
)

SIZE_LIMIT: Final = 20_000
KNOWN_LIMIT: Final = 5_000
LIST_LIMIT: Final = 5_000
MADE: Final = (Instance, Class, Function, External, list, dict)
PLAIN: Final = (str, bytes, int, float, bool, tuple, type(None))

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
    waiting, left = [value], KNOWN_LIMIT
    while waiting and left:
        one = waiting.pop()
        left -= 1
        if isinstance(one, dict):
            waiting += [*one, *one.values()][:KNOWN_LIMIT]
        elif isinstance(one, (list, tuple, set)):
            waiting += [*one][:KNOWN_LIMIT]
        elif not isinstance(one, PLAIN):
            return False
    # What holds itself never ends.
    return not waiting


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
        return [*left, *(right if isinstance(right, list) else [REST])][:LIST_LIMIT]
    if isinstance(node, ast.Add) and isinstance(right, list):
        return [REST, *right][:LIST_LIMIT] if left is UNKNOWN else UNKNOWN
    if isinstance(node, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(node, ast.Mult) and isinstance(left, list) and isinstance(right, int):
        return (left * min(right, 8))[:LIST_LIMIT]
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
    # Whatever is made here is not None.
    if isinstance(node, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)) and (
        (left is None and isinstance(right, MADE)) or (right is None and isinstance(left, MADE))
    ):
        return isinstance(node, (ast.IsNot, ast.NotEq))
    if not (is_known(left) and is_known(right)):
        return UNKNOWN
    try:
        return bool(_COMPARISONS[type(node)](left, right))
    except TypeError:
        return UNKNOWN


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

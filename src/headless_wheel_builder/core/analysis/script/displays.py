"""Lists, dicts and texts that expressions make."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Scope,
    bare,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def flat(run: Interpreter, nodes: list[ast.expr], scope: Scope) -> Iterator[object]:
    for node in nodes:
        if not isinstance(node, ast.Starred):
            yield run.evaluate(node, scope)
            continue
        found = operations.items_of(run.evaluate(node.value, scope))
        yield from [REST] if found is None else found


def list_display(run: Interpreter, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> object:
    items = [*flat(run, node.elts, scope)]
    if isinstance(node, ast.Tuple):
        return tuple(items)
    # Sets hold what cannot be hashed here; their order and repetitions tell nothing.
    return items


def dict_display(run: Interpreter, node: ast.Dict, scope: Scope) -> object:
    made: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        found = run.evaluate(value, scope)
        if key is None:
            plain = bare(found)
            made.update(plain if isinstance(plain, dict) else {REST: UNKNOWN})
            continue
        name = bare(run.evaluate(key, scope))
        made[name if isinstance(name, operations.PLAIN) and not isinstance(name, tuple) else REST] = found
    return made


def formatted(run: Interpreter, node: ast.JoinedStr, scope: Scope) -> object:
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
            return UNKNOWN
        value = run.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, scope)
        if not isinstance(bare(value), (str, int, float)):
            return UNKNOWN
        parts.append(str(bare(value)))
    text = "".join(parts)
    return text if len(text) < operations.SIZE_LIMIT else UNKNOWN


def comprehension(run: Interpreter, node: Any, scope: Scope) -> object:
    inner = Scope(scope.place, scope)
    made: list[object] = []
    _generate(run, node.generators, inner, lambda: made.append(run.evaluate(node.elt, inner)), made)
    return made


def dict_comprehension(run: Interpreter, node: ast.DictComp, scope: Scope) -> object:
    inner = Scope(scope.place, scope)
    made: dict[object, object] = {}

    def add() -> None:
        key = bare(run.evaluate(node.key, inner))
        made[key if isinstance(key, str) else REST] = run.evaluate(node.value, inner)

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

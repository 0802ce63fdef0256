"""What the statements of setup.py do."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script import methods, operations
from headless_wheel_builder.core.analysis.script.definitions import (
    define_class,
    define_function,
    import_modules,
    import_names,
)
from headless_wheel_builder.core.analysis.script.failures import raise_statement, try_statement
from headless_wheel_builder.core.analysis.script.matching import match_statement
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Scope,
    bare,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


class ReturnedError(Exception):
    """A function returns."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class LoopError(Exception):
    """A loop ends, or goes on with its next turn."""

    def __init__(self, *, ends: bool) -> None:
        super().__init__()
        self.ends = ends


def execute(run: Interpreter, body: list[ast.stmt], scope: Scope) -> None:
    """Follow statements."""
    for node in body:
        run.way.step()
        run.place, run.line = scope.place, node.lineno
        if executor := _EXECUTORS.get(type(node)):
            executor(run, node, scope)


def _expression(run: Interpreter, node: ast.Expr, scope: Scope) -> None:
    run.evaluate(node.value, scope)


def _assign(run: Interpreter, node: ast.Assign, scope: Scope) -> None:
    value = run.evaluate(node.value, scope)
    for target in node.targets:
        run.assign(target, value, scope)


def _annotated(run: Interpreter, node: ast.AnnAssign, scope: Scope) -> None:
    if node.value is not None:
        run.assign(node.target, run.evaluate(node.value, scope), scope)


def _augmented(run: Interpreter, node: ast.AugAssign, scope: Scope) -> None:
    target: Any = node.target
    before = run.evaluate(target, scope)
    value = run.evaluate(node.value, scope)
    if isinstance(bare(before), list) and isinstance(node.op, ast.Add):
        methods.method(before, "extend", [value], {})
    else:
        run.assign(target, operations.binary(node.op, before, value), scope)


def _if(run: Interpreter, node: ast.If, scope: Scope) -> None:
    taken = run.test(node.test, scope, likely=not _gives_up(node.body))
    run.execute(node.body if taken else node.orelse, scope)


def _gives_up(body: list[ast.stmt]) -> bool:
    # A build that works does not come here.
    return any(isinstance(one, ast.Raise) or (isinstance(one, ast.Expr) and _is_exit(one.value)) for one in body)


def _is_exit(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, (ast.Name, ast.Attribute)) and "exit" in (
        getattr(function, "id", ""),
        getattr(function, "attr", ""),
    )


def _for(run: Interpreter, node: ast.For, scope: Scope) -> None:
    for item in run.turns(node.iter, scope):
        run.assign(node.target, UNKNOWN if item is REST else item, scope)
        try:
            run.execute(node.body, scope)
        except LoopError as signal:
            if signal.ends:
                return
    run.execute(node.orelse, scope)


def _while(run: Interpreter, node: ast.While, scope: Scope) -> None:
    for _ in range(100):
        known = operations.truth(bare(run.evaluate(node.test, scope)))
        if known is False:
            return
        try:
            run.execute(node.body, scope)
        except LoopError as signal:
            if signal.ends:
                return
        if known is None:
            return


def _loop(_run: Interpreter, node: ast.stmt, _scope: Scope) -> None:
    raise LoopError(ends=isinstance(node, ast.Break))


def _with(run: Interpreter, node: ast.With, scope: Scope) -> None:
    for one in node.items:
        value = run.evaluate(one.context_expr, scope)
        if one.optional_vars is not None:
            run.assign(one.optional_vars, value, scope)
    run.execute(node.body, scope)


def _return(run: Interpreter, node: ast.Return, scope: Scope) -> None:
    raise ReturnedError(run.evaluate(node.value, scope) if node.value else None)


def _global(_run: Interpreter, node: ast.Global, scope: Scope) -> None:
    scope.globals.update(node.names)


def _delete(run: Interpreter, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            container, key = bare(run.evaluate(target.value, scope)), bare(run.evaluate(target.slice, scope))
            if isinstance(container, dict) and isinstance(key, str):
                container.pop(key, None)
            elif isinstance(container, list) and isinstance(key, int) and -len(container) <= key < len(container):
                del container[key]
        elif isinstance(target, ast.Name):
            scope.names.pop(target.id, None)


_EXECUTORS: Final[dict[type, Callable[[Interpreter, Any, Scope], None]]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.While: _while,
    ast.Break: _loop,
    ast.Continue: _loop,
    ast.With: _with,
    ast.FunctionDef: define_function,
    ast.ClassDef: define_class,
    ast.Return: _return,
    ast.Raise: raise_statement,
    ast.Import: import_modules,
    ast.ImportFrom: import_names,
    ast.Try: try_statement,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Match: match_statement,
}

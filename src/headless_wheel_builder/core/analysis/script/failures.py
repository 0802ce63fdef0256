"""Where setup.py fails, and where it goes on from there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.analysis.script.decisions import Decision
from headless_wheel_builder.core.analysis.script.values import (
    UNKNOWN,
    Scope,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


class RaisedError(Exception):
    """An exception of the script."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def raise_statement(run: Interpreter, node: ast.Raise, scope: Scope) -> None:
    error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    name = error.attr if isinstance(error, ast.Attribute) else error.id if isinstance(error, ast.Name) else ""
    _ = run, scope
    raise RaisedError(name or "Exception")


def try_statement(run: Interpreter, node: ast.Try, scope: Scope) -> None:
    if node.handlers and _fails(run, node, scope):
        _handle(run, node.handlers[0], scope)
    else:
        try:
            with run.guarded(bool(node.handlers)):
                run.execute(node.body, scope)
            run.execute(node.orelse, scope)
        except RaisedError as error:
            handler = next((one for one in node.handlers if _catches(one, error.name)), None)
            if handler is None:
                run.execute(node.finalbody, scope)
                raise
            _handle(run, handler, scope)
    run.execute(node.finalbody, scope)


def _fails(run: Interpreter, node: ast.Try, scope: Scope) -> bool:
    names = [name for handler in node.handlers for name in _names(handler)]
    if names and all(name in {"ImportError", "ModuleNotFoundError"} for name in names):
        return False
    key = ("failure", scope.place, node.lineno, len(run.frames))
    return run.way.decide(Decision(key, "failure", "a failure", scope.place, node.lineno, False))


def _handle(run: Interpreter, handler: ast.ExceptHandler, scope: Scope) -> None:
    if handler.name:
        scope.names[handler.name] = UNKNOWN
    run.execute(handler.body, scope)


def _catches(handler: ast.ExceptHandler, name: str) -> bool:
    names = _names(handler)
    if not names or {"Exception", "BaseException"} & set(names):
        return name != "SystemExit" or not names or "BaseException" in names
    also = {"ModuleNotFoundError": "ImportError"}
    return name in names or also.get(name) in names or not all(one in _STANDARD for one in names)


_STANDARD: Final = frozenset(
    [
        "ImportError",
        "ModuleNotFoundError",
        "KeyError",
        "ValueError",
        "TypeError",
        "AttributeError",
        "OSError",
        "IOError",
        "SystemExit",
        "RuntimeError",
        "LookupError",
        "IndexError",
        "FileNotFoundError",
    ]
)


def _names(handler: ast.ExceptHandler) -> list[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    return [
        one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else "" for one in kinds
    ]

"""Functions, classes and modules that get a name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headless_wheel_builder.core.analysis.script import importing
from headless_wheel_builder.core.analysis.script.values import (
    Class,
    External,
    Function,
    Scope,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def define_function(run: Interpreter, node: ast.FunctionDef, scope: Scope) -> None:
    """Define a function."""
    _ = run
    scope.names[node.name] = Function(node, scope)


def define_class(run: Interpreter, node: ast.ClassDef, scope: Scope) -> None:
    """Define a class."""
    inner = Scope(scope.place, scope)
    bases = tuple(run.evaluate(base, scope) for base in node.bases)
    run.execute(node.body, inner)
    # Methods do not see the names of their class.
    for name, member in inner.names.items():
        if isinstance(member, Function):
            inner.names[name] = Function(member.node, _method_scope(scope, bases))
    scope.names[node.name] = Class(node, bases, inner)


def _method_scope(scope: Scope, bases: tuple[object, ...]) -> Scope:
    inner = Scope(scope.place, scope)
    inner.names["__bases__"] = bases
    return inner


def import_modules(run: Interpreter, node: ast.Import, scope: Scope) -> None:
    """Follow `import`."""
    for alias in node.names:
        module = run.module(alias.name, node)
        if alias.asname:
            scope.names[alias.asname] = module
        else:
            top = alias.name.partition(".")[0]
            scope.names[top] = run.module(top, node) if isinstance(module, Scope) else External(top)


def import_names(run: Interpreter, node: ast.ImportFrom, scope: Scope) -> None:
    """Follow `from ... import`."""
    module = run.module(importing.absolute(node, scope), node)
    for alias in node.names:
        if alias.name == "*":
            if isinstance(module, Scope):
                scope.names.update(module.names)
            continue
        scope.names[alias.asname or alias.name] = importing.imported(run, module, alias.name)

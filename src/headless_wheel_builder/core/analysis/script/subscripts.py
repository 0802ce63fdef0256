"""What `[...]` gives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.surroundings import environment
from headless_wheel_builder.core.analysis.script.values import UNKNOWN, External, Scope, bare

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def subscript(run: Interpreter, node: ast.Subscript, scope: Scope) -> object:
    """Return an item."""
    container = run.evaluate(node.value, scope)
    key = _slice(run, node.slice, scope) if isinstance(node.slice, ast.Slice) else run.evaluate(node.slice, scope)
    if isinstance(container, External) and container.name == "os.environ":
        # A variable that is not there: for a plain build this raises.
        if run.is_guarded:
            run.maybe_missing(key, node)
        return environment(key, UNKNOWN)
    return operations.item(container, key)


def _slice(run: Interpreter, node: ast.Slice, scope: Scope) -> object:
    parts = [bare(run.evaluate(part, scope)) if part else None for part in (node.lower, node.upper, node.step)]
    if all(part is None or isinstance(part, int) for part in parts):
        return slice(*parts)
    return UNKNOWN

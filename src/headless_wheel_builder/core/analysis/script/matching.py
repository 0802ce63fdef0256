"""The `match` statement."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.values import (
    UNKNOWN,
    Scope,
    bare,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def match_statement(run: Interpreter, node: ast.Match, scope: Scope) -> None:
    """Follow a `match` statement."""
    subject = run.evaluate(node.subject, scope)
    for case in node.cases:
        fits = _fits(run, case.pattern, subject, scope)
        if run.decide(fits, case.pattern) and (case.guard is None or run.test(case.guard, scope)):
            run.execute(case.body, scope)
            return


def _fits(run: Interpreter, pattern: ast.pattern, subject: object, scope: Scope) -> object:
    match pattern:
        case ast.MatchValue():
            return operations.compare(ast.Eq(), subject, run.evaluate(pattern.value, scope))
        case ast.MatchSingleton():
            return operations.compare(ast.Is(), subject, pattern.value)
        case ast.MatchOr():
            found = [_fits(run, one, subject, scope) for one in pattern.patterns]
            return next((one for one in found if operations.truth(bare(one)) is not False), found[0])
        case ast.MatchAs(pattern=None):
            return True
        case _:
            return UNKNOWN

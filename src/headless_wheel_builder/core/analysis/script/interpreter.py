"""Follow setup.py along one way."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator

from headless_wheel_builder.core.analysis.script import (
    assignment,
    attributes,
    calls,
    expressions,
    importing,
    operations,
    paths,
    statements,
)
from headless_wheel_builder.core.analysis.script.decisions import Decision, Way
from headless_wheel_builder.core.analysis.script.failures import RaisedError
from headless_wheel_builder.core.analysis.script.parsing import Code, parse
from headless_wheel_builder.core.analysis.script.values import (
    MORE,
    UNKNOWN,
    External,
    Scope,
    Tainted,
    bare,
)
from headless_wheel_builder.values import value


@value
class Setup:
    """A call of setup()."""

    function: str
    kwargs: dict[str, object]
    place: str
    line: int


class Interpreter:
    """One way through setup.py.

    :param code: the files of the tree as syntax trees
    :param available: whether the build environment has a module
    """

    def __init__(self, code: Code, available: Callable[[str], bool], way: Way) -> None:
        self.tree = code.tree
        self.code = code
        self.way = way
        self.setups: list[Setup] = []
        self.patches: dict[str, object] = {}
        self.folders = [""]
        self.frames: list[str] = []
        self.place, self.line = "", 0
        self.is_guarded = False
        self._available = available
        self.main: Scope | None = None
        self.modules: dict[str, Scope] = {}

    def run(self, name: str) -> Scope | None:
        """Run a file as the main program; None if it cannot be parsed."""
        scope = self.main = Scope(name)
        scope.names.update({"__name__": "__main__", "__file__": name})
        tree = self.code.parsed(name)
        if tree is None:
            return None
        # What it ends with, a plain build would end with.
        with contextlib.suppress(statements.ReturnedError, statements.LoopError):
            self.execute(tree.body, scope)
        return scope

    def evaluate(self, node: ast.expr, scope: Scope) -> object:
        """Return what an expression stands for."""
        self.way.step()
        evaluator = expressions.EVALUATORS.get(type(node))
        return evaluator(self, node, scope) if evaluator else UNKNOWN

    def execute(self, body: list[ast.stmt], scope: Scope) -> None:
        """Follow statements."""
        statements.execute(self, body, scope)

    def test(self, node: ast.expr, scope: Scope, *, likely: bool = True) -> bool:
        """Say which way a test goes.

        :param likely: where it goes if that cannot be known
        """
        found = self.evaluate(node, scope)
        known = operations.truth(bare(found))
        return self.decide(found, node, likely=likely) if known is None or isinstance(found, Tainted) else known

    def decide(self, found: object, node: ast.AST, *, likely: bool = True) -> bool:
        """Say which way it goes where that depends on something."""
        known = operations.truth(bare(found))
        taken = likely if known is None else known
        source, what = (found.source, found.what) if isinstance(found, Tainted) else ("unknown", "")
        if source == "version" and known is not None:
            return known
        line, column = getattr(node, "lineno", self.line), getattr(node, "col_offset", 0)
        return self.way.decide(Decision((self.place, line, column), source, what, self.place, line, taken))

    def turns(self, node: ast.expr, scope: Scope) -> Iterator[object]:
        """Yield what a loop goes through."""
        many = self.evaluate(node, scope)
        found = operations.items_of(paths.lines(self, many))
        if found is not None:
            yield from found[: expressions.TURN_LIMIT]
        elif self.decide(UNKNOWN, node):
            yield UNKNOWN

    def assign(self, target: ast.expr, found: object, scope: Scope) -> None:
        """Assign to a name, an attribute, an item or several of them."""
        assignment.assign(self, target, found, scope)

    def attribute(self, owner: object, name: str) -> object:
        """Return an attribute of a value."""
        return attributes.attribute(self, owner, name)

    def call(
        self, function: object, args: list[object], kwargs: dict[str, object], node: ast.Call | None = None
    ) -> object:
        """Call something."""
        return calls.call(self, function, args, kwargs, node)

    def record(self, function: object, args: list[object], kwargs: dict[str, object], node: ast.Call | None) -> None:
        """Remember a call of setup()."""
        name = function.name if isinstance(function, External) else "setup"
        given = {**kwargs, MORE: UNKNOWN} if args else kwargs
        self.setups.append(Setup(name, given, self.place, node.lineno if node else self.line))

    def raised(self, name: str) -> Exception:
        """Return an exception of the script."""
        return RaisedError(name)

    @contextlib.contextmanager
    def guarded(self, is_guarded: bool) -> Iterator[None]:
        """Follow the body of a `try`."""
        before = self.is_guarded
        self.is_guarded = before or is_guarded
        try:
            yield
        finally:
            self.is_guarded = before

    def maybe_missing(self, key: object, node: ast.AST) -> None:
        """Raise what the lack of a variable raises."""
        name = bare(key)
        what = name if isinstance(name, str) else "the environment"
        if self.decide(Tainted(True, "variable", what), node):
            raise RaisedError("KeyError")

    def module(self, name: str, node: ast.AST) -> object:
        """Import a module."""
        return importing.module(self, name, node)

    def has(self, module: str) -> bool:
        """Tell whether the build environment has a module."""
        return self._available(module)

    def execute_text(self, text: object, namespace: object) -> None:
        """Follow `exec`."""
        tree = parse(text) if isinstance(text, (str, bytes)) else None
        if tree is None:
            return
        scope = Scope(self.place)
        self.execute(tree.body, scope)
        if isinstance(namespace, dict):
            namespace.update(scope.names)
        elif namespace is None and self.main is not None:
            self.main.names.update(scope.names)

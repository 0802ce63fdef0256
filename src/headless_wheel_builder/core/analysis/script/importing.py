"""Modules that setup.py imports: of the tree, or of the build environment."""

from __future__ import annotations

import ast
import posixpath
import sys
from typing import TYPE_CHECKING, Final

from headless_wheel_builder.core.analysis.script.failures import RaisedError
from headless_wheel_builder.core.analysis.script.values import UNKNOWN, External, Scope

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter

ALWAYS_THERE: Final = frozenset(["setuptools", "distutils", "pkg_resources", "wheel", "_distutils_hack"])


def absolute(node: ast.ImportFrom, scope: Scope) -> str:
    """Return the full name of the module that names are imported from."""
    folder = posixpath.dirname(scope.place)
    for _ in range(node.level - 1):
        folder = posixpath.dirname(folder)
    base = folder.replace("/", ".") if node.level else ""
    return ".".join(filter(None, [base, node.module or ""]))


def module(run: Interpreter, name: str, node: ast.AST) -> object:
    """Import a module."""
    top = name.partition(".")[0]
    if top in ALWAYS_THERE or top in sys.stdlib_module_names:
        return External(name)
    if (file := _file(run, name)) is not None:
        return _local(run, file)
    if not run.has(top) and run.is_guarded and run.decide(UNKNOWN, node):
        raise RaisedError("ImportError")
    return External(name)


def imported(run: Interpreter, owner: object, name: str) -> object:
    """Return what a module has under a name."""
    if not isinstance(owner, Scope):
        return run.attribute(owner, name)
    if name in owner.names:
        return owner.names[name]
    inner = posixpath.join(posixpath.dirname(owner.place), f"{name}.py")
    return _local(run, inner) if run.tree.read(inner) is not None else UNKNOWN


def _file(run: Interpreter, name: str) -> str | None:
    stem = name.replace(".", "/")
    for folder in run.folders:
        for path in (posixpath.join(folder, f"{stem}.py"), posixpath.join(folder, stem, "__init__.py")):
            if stem and run.tree.read(path) is not None:
                return path
    return None


def _local(run: Interpreter, file: str) -> Scope:
    if file not in run.modules:
        scope = run.modules[file] = Scope(file)
        scope.names.update({"__name__": file.removesuffix(".py").replace("/", "."), "__file__": file})
        if tree := run.code.parsed(file):
            place, line = run.place, run.line
            run.execute(tree.body, scope)
            run.place, run.line = place, line
    return run.modules[file]

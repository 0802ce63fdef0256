"""What assigning does to names, attributes and items."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Class,
    External,
    Instance,
    Scope,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def assign(run: Interpreter, target: ast.expr, found: object, scope: Scope) -> None:
    """Assign to a name, an attribute, an item or several of them."""
    match target:
        case ast.Name():
            scope.home(target.id).names[target.id] = found
        case ast.Starred():
            assign(run, target.value, UNKNOWN, scope)
        case ast.Tuple() | ast.List():
            _unpack(run, target.elts, found, scope)
        case ast.Attribute():
            _set_attribute(run, run.evaluate(target.value, scope), target.attr, found)
        case ast.Subscript():
            container = bare(run.evaluate(target.value, scope))
            _set_item(container, bare(run.evaluate(target.slice, scope)), found)


def _unpack(run: Interpreter, targets: list[ast.expr], found: object, scope: Scope) -> None:
    plain = bare(found)
    many = plain if isinstance(plain, (tuple, list)) and len(plain) == len(targets) and REST not in plain else None
    for at, target in enumerate(targets):
        assign(run, target, tainted(many[at] if many else UNKNOWN, found), scope)


def _set_attribute(run: Interpreter, owner: object, name: str, found: object) -> None:
    plain = bare(owner)
    if isinstance(plain, Instance):
        plain.attributes[name] = found
    elif isinstance(plain, Scope):
        plain.names[name] = found
    elif isinstance(plain, Class):
        plain.scope.names[name] = found
    elif isinstance(plain, External):
        run.patches[f"{plain.name}.{name}"] = found


def _set_item(container: object, key: object, found: object) -> None:
    if isinstance(container, dict):
        container[key if isinstance(key, (str, int)) else REST] = found
    elif isinstance(container, list) and isinstance(key, int) and -len(container) <= key < len(container):
        container[key] = found
    elif isinstance(container, list):
        container.append(REST)

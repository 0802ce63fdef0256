"""What an expression of setup.py may stand for.

Constants, lists, tuples, sets and dicts stand for themselves; what they hold may be any of these.
"""

from __future__ import annotations

import ast
from typing import Final, Literal, TypeAlias

from headless_wheel_builder.values import value

Source: TypeAlias = Literal["variable", "platform", "interpreter", "version", "unknown", "failure"]


class Mark:
    """A value of its own kind."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNKNOWN: Final = Mark("unknown")
# In a list, a set, or as the key of a dict: any number of unknown things.
REST: Final = Mark("...")

# Among the named arguments of a call: any number of unknown ones.
MORE: Final = "**"


class Scope:
    """The names of a module, a function or a class body.

    :param place: the file
    """

    def __init__(self, place: str, parent: Scope | None = None) -> None:
        self.place = place
        self.parent = parent
        self.names: dict[str, object] = {}
        self.globals: set[str] = set()
        self.yielded: list[object] = []

    def home(self, name: str) -> Scope:
        """Return the scope that an assignment to a name changes."""
        return self if name not in self.globals else self.root()

    def root(self) -> Scope:
        """Return the module that this is in."""
        return self if self.parent is None else self.parent.root()

    def find(self, name: str) -> object:
        """Return what a name stands for, or raise KeyError."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        raise KeyError(name)


@value
class External:
    """Something that is imported from outside of the tree, by its full name."""

    name: str


@value
class Function:
    """A function of the tree."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope


@value
class Bound:
    """A method, and what it was taken from."""

    receiver: object
    name: str
    function: Function | None = None


@value
class Super:
    """What `super()` gives in a method."""

    receiver: object
    bases: object


class Class:
    """A class of the tree; its bases are classes, or externals, or unknown."""

    def __init__(self, node: ast.ClassDef, bases: tuple[object, ...], scope: Scope) -> None:
        self.node = node
        self.bases = bases
        self.scope = scope

    def member(self, name: str) -> object:
        """Return what the class or one of its bases has under a name, or raise KeyError."""
        if name in self.scope.names:
            return self.scope.names[name]
        for base in self.bases:
            if isinstance(base, Class) and base.has(name):
                return base.member(name)
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Tell whether the class or one of its bases in the tree has something under a name."""
        return name in self.scope.names or any(isinstance(base, Class) and base.has(name) for base in self.bases)

    def lineage(self) -> list[str]:
        """Return the names of the class and of all that it is made from."""
        names = [self.node.name]
        for base in self.bases:
            names += base.lineage() if isinstance(base, Class) else [base.name] if isinstance(base, External) else []
        return names


class Instance:
    """What calling a class gives."""

    def __init__(self, made_by: Class | External, args: list[object], kwargs: dict[str, object]) -> None:
        self.made_by = made_by
        self.args = args
        self.kwargs = kwargs
        self.attributes: dict[str, object] = {}

    def attribute(self, name: str, position: int = -1) -> object:
        """Return an attribute that was set, or what was given for it."""
        if name in self.attributes:
            return self.attributes[name]
        return self.kwargs.get(name, self.args[position] if 0 <= position < len(self.args) else None)

    def kinds(self) -> list[str]:
        """Return the last parts of the names of the classes that it is of."""
        names = [self.made_by.name] if isinstance(self.made_by, External) else self.made_by.lineage()
        return [name.rpartition(".")[2] for name in names]


@value
class Tainted:
    """A value that would be another elsewhere.

    :param what: what it depends on: the name of a variable, for example
    """

    value: object
    source: Source
    what: str


def bare(value: object) -> object:
    """Return a value without what it depends on."""
    return value.value if isinstance(value, Tainted) else value


def tainted(value: object, *by: object) -> object:
    """Return a value that depends on what others depend on."""
    for one in by:
        if isinstance(one, Tainted):
            return Tainted(bare(value), one.source, one.what)
    return value

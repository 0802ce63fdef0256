"""Frozen values that cost nothing to define.

What `dataclasses.dataclass(frozen=True)` makes of a class, it makes by compiling a text for each method, for which it
also imports `inspect`: a third of the time that a command line of a few dozen such classes takes to start. To
everybody else, and to `dataclasses` itself, these are dataclasses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import Field
    from inspect import Signature

    from typing_extensions import dataclass_transform

T = TypeVar("T")


class Factory:
    """A default that is made for each value."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], T]) -> T:
    """Return the default of a field that is made for each value, an empty dict for example."""
    made: Any = Factory(default_factory)
    return made  # type: ignore[no-any-return]


class _Fields:
    """What `dataclasses` asks a class for; made when somebody asks."""

    def __get__(self, _value: object, cls: Any) -> dict[str, Field[Any]]:
        fields: dict[str, Field[Any]] = _twin(cls).__dataclass_fields__
        return fields


class _Signature:
    """What `inspect` and `help` ask a class for."""

    def __get__(self, _value: object, cls: Any) -> Signature:
        import inspect

        return inspect.signature(_twin(cls))


def _twin(cls: Any) -> Any:
    import dataclasses

    def specified(name: str) -> Any:
        default = getattr(cls, name, dataclasses.MISSING)
        if isinstance(default, Factory):
            return dataclasses.field(default_factory=default.make)
        return dataclasses.field(default=default)

    members = [(name, Any, specified(name)) for name in cls.__match_args__]
    return dataclasses.make_dataclass(cls.__name__, members, kw_only=cls._is_named_only)


def _init(self: Any, *positional: Any, **named: Any) -> None:
    cls = type(self)
    names = cls.__match_args__
    if len(positional) > len(names) or (positional and cls._is_named_only):
        raise TypeError(f"{cls.__name__}() takes other positional arguments than {positional}")
    given = dict(zip(names, positional))  # noqa: B905 - the rest is named, or has defaults
    if wrong := (given.keys() & named.keys()) | (named.keys() - set(names)):
        raise TypeError(f"{cls.__name__}() does not take {sorted(wrong)}, or takes it once")
    given.update(named)
    for name in names:
        if name not in given:
            given[name] = _default(cls, name)
    self.__dict__.update((name, given[name]) for name in names)
    cls.__post_init__(self)


def _as_given(_value: object) -> None:
    """Leave a value as it is; a class may have a `__post_init__` of its own."""


def _default(cls: type, name: str) -> Any:
    try:
        default = getattr(cls, name)
    except AttributeError:
        raise TypeError(f"{cls.__name__}() misses {name}") from None
    return default.make() if isinstance(default, Factory) else default


def _items(value: Any) -> tuple[Any, ...]:
    return tuple(value.__dict__[name] for name in type(value).__match_args__)


def _eq(self: Any, other: object) -> bool:
    return _items(self) == _items(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_items(self))


def _repr(self: Any) -> str:
    named = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self).__match_args__)
    return f"{type(self).__qualname__}({named})"


def _set(self: Any, name: str, value: object) -> None:
    raise _frozen(f"{type(self).__name__} is frozen: {name} cannot be {value!r}")


def _delete(self: Any, name: str) -> None:
    raise _frozen(f"{type(self).__name__} is frozen: {name} cannot be removed")


def _frozen(message: str) -> AttributeError:
    from dataclasses import FrozenInstanceError

    return FrozenInstanceError(message)


_METHODS: dict[str, Any] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__dataclass_fields__": _Fields(),
    "__signature__": _Signature(),
}


def _names(cls: type) -> Iterator[str]:
    for base in reversed(cls.__mro__):
        annotations = getattr(base, "__annotations__", {})
        yield from (name for name, kind in annotations.items() if "ClassVar" not in str(kind))


def _valued(cls: type[T], *, kw_only: bool) -> type[T]:
    for name, method in _METHODS.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    if not hasattr(cls, "__post_init__"):
        setattr(cls, "__post_init__", _as_given)  # noqa: B010
    setattr(cls, "__match_args__", tuple(dict.fromkeys(_names(cls))))  # noqa: B010 - a type has no such attribute
    setattr(cls, "_is_named_only", kw_only)  # noqa: B010
    return cls


if TYPE_CHECKING:

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def value(cls: type[T], /) -> type[T]:
        """Make a frozen value of a class with annotated fields."""

    @dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
    def named_value(cls: type[T], /) -> type[T]:
        """Make a frozen value whose fields are given by name only."""

else:

    def value(cls: type[T], /) -> type[T]:
        """Make a frozen value of a class with annotated fields."""
        return _valued(cls, kw_only=False)

    def named_value(cls: type[T], /) -> type[T]:
        """Make a frozen value whose fields are given by name only."""
        return _valued(cls, kw_only=True)


def changed(old: T, **changes: Any) -> T:
    """Return a value with other values in some of its fields."""
    return type(old)(**{**old.__dict__, **changes})

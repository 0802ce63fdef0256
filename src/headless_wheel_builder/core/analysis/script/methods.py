"""What the methods of constants, lists, dicts and sets do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headless_wheel_builder.core.analysis.script.operations import LIST_LIMIT, SIZE_LIMIT, is_known, items_of
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    bare,
    tainted,
)

STRING_METHODS: Final = frozenset(
    [
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "startswith",
        "endswith",
        "split",
        "rsplit",
        "partition",
        "rpartition",
        "replace",
        "join",
        "title",
        "format",
        "capitalize",
        "isdigit",
        "splitlines",
        "removeprefix",
        "removesuffix",
        "find",
        "count",
        "encode",
        "decode",
    ]
)


LIST_METHODS: Final = frozenset(["append", "extend", "insert", "pop", "remove", "copy", "index", "sort", "clear"])


DICT_METHODS: Final = frozenset(["get", "update", "setdefault", "pop", "items", "keys", "values", "copy"])


SET_METHODS: Final = frozenset(["add", "update", "union", "discard"])


def method(receiver: object, name: str, args: list[object], kwargs: dict[str, object]) -> object:
    """Call a method of a constant, a list, a dict or a set."""
    plain, plain_args = bare(receiver), [bare(one) for one in args]
    try:
        return tainted(_method(plain, name, plain_args, kwargs), receiver, *args)
    except (TypeError, ValueError, LookupError, AttributeError):
        return UNKNOWN


def _method(receiver: Any, name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    if isinstance(receiver, dict):
        return _of_dict(receiver, name, args, kwargs) if name in DICT_METHODS else UNKNOWN
    if isinstance(receiver, list):
        return _of_list(receiver, name, args) if name in LIST_METHODS else UNKNOWN
    if isinstance(receiver, set):
        return _of_set(receiver, name, args) if name in SET_METHODS else UNKNOWN
    if isinstance(receiver, (str, bytes)) and name in STRING_METHODS:
        return _of_string(receiver, name, args, kwargs)
    return UNKNOWN


def _of_string(receiver: str | bytes, name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    is_safe = len(receiver) < SIZE_LIMIT and all(is_known(one) for one in [*args, *kwargs.values()])
    if (
        not is_safe
        or (name == "format" and ":" in str(receiver))
        or (name == "replace" and len(receiver) > SIZE_LIMIT // 10)
    ):
        return UNKNOWN
    result: object = getattr(receiver, name)(*args, **kwargs)
    return result


def _of_list(receiver: list[object], name: str, args: list[Any]) -> object:
    match name, args:
        case "extend", [many]:
            found = items_of(many)
            receiver += ([REST] if found is None else found)[: max(0, LIST_LIMIT - len(receiver))]
            return None
        case "append", [one]:
            receiver.append(one)
            return None
        case "remove" | "index", [_]:
            return UNKNOWN
        case "sort", _:
            return None
        case _:
            result: object = getattr(receiver, name)(*args)
            return result


def _of_dict(receiver: dict[object, object], name: str, args: list[Any], kwargs: dict[str, object]) -> object:
    match name, args:
        case "update", _:
            for one in args:
                receiver.update(one if isinstance(one, dict) else _pairs(one))
            receiver.update(kwargs)
            return None
        case "get" | "pop", [key, *rest]:
            missing = UNKNOWN if REST in receiver else rest[0] if rest else None
            return receiver.get(key, missing) if name == "get" else receiver.pop(key, missing)
        case "setdefault", [key, *rest]:
            return receiver.setdefault(key, rest[0] if rest else None)
        case "items", []:
            return [REST if key is REST else (key, one) for key, one in receiver.items()]
        case "copy", []:
            return dict(receiver)
        case _:
            return list(receiver if name == "keys" else receiver.values())


def _pairs(many: object) -> dict[object, object]:
    pairs: list[Any] = many if isinstance(many, list) else [REST]
    if all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):  # noqa: PLR2004
        return dict(pairs)
    return {REST: UNKNOWN}


def _of_set(receiver: set[object], name: str, args: list[Any]) -> object:
    many: Iterable[object] = [one for arg in args for one in (items_of(arg) or [REST])]
    match name:
        case "add":
            receiver.add(args[0])
        case "update":
            receiver.update(many)
        case "union":
            return {*receiver, *many}
        case _:
            receiver.discard(args[0])
    return None

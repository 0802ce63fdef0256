"""Paths and files of the tree, as functions and as methods of `Path`."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    External,
    Instance,
    bare,
    tainted,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


READ_LIMIT: Final = 1_000_000


def path_function(function: Callable[..., Any]) -> Callable[[Interpreter, list[Any], dict[str, object]], object]:
    def call(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
        plain = [bare(one) for one in args]
        if not plain or not all(isinstance(one, str) for one in plain):
            return UNKNOWN
        return tainted(function(*plain), *args)

    return call


def exists(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    path = bare(args[0]) if args else None
    if not isinstance(path, str):
        return UNKNOWN
    name = in_tree(path)
    return UNKNOWN if name is None else tainted(run.tree.exists(name), args[0])


def in_tree(path: str) -> str | None:
    """Return the name of a file in the tree; None if it is elsewhere."""
    name = posixpath.normpath(path.replace("\\", "/"))
    return None if name.startswith(("/", "..")) else name


def glob(run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    import re
    from fnmatch import translate

    path = bare(args[0]) if args else None
    pattern = in_tree(path) if isinstance(path, str) else None
    if pattern is None or pattern.count("*") > 6:  # noqa: PLR2004 - more take long to match
        return [REST]
    matches = re.compile(translate(pattern)).match
    deep = "**" in pattern
    return [one for one in run.tree.files() if matches(one) and (deep or one.count("/") == pattern.count("/"))]


def opened(_run: Interpreter, args: list[Any], _kwargs: dict[str, object]) -> object:
    path = bare(args[0]) if args else UNKNOWN
    return Instance(External("hwb.File"), [path], {})


def lines(run: Interpreter, many: object) -> object:
    """Return the lines of a file that a loop goes through; anything else as it is."""
    if not isinstance(many, Instance) or not is_file(many):
        return many
    text = read(run, many.args[0])
    return text.splitlines(keepends=True) if isinstance(text, str) else UNKNOWN


PATH_METHODS: Final = frozenset(
    [
        "joinpath",
        "read_text",
        "read_bytes",
        "open",
        "exists",
        "is_file",
        "is_dir",
        "glob",
        "rglob",
        "resolve",
        "absolute",
        "as_posix",
        "with_suffix",
        "with_name",
        "relative_to",
    ]
)


def call_path(run: Interpreter, path: str, name: str, args: list[object]) -> object:
    plain = [bare(one) for one in args]
    match name, plain:
        case (("read_text" | "read_bytes"), _):
            return read(run, path)
        case "open", _:
            return Instance(External("hwb.File"), [path], {})
        case (("exists" | "is_file" | "is_dir"), []):
            return exists(run, [path], {})
        case (("resolve" | "absolute" | "as_posix"), _):
            return path
        case (("joinpath" | "glob" | "rglob"), [*parts]) if all(isinstance(part, str) for part in parts):
            joined = posixpath.join(path, *(["**"] if name == "rglob" else []), *map(str, parts))
            return joined if name == "joinpath" else glob(run, [joined], {})
        case "with_suffix", [str() as suffix]:
            return posixpath.splitext(path)[0] + suffix
        case "with_name", [str() as other]:
            return posixpath.join(posixpath.dirname(path), other)
        case _:
            return UNKNOWN


def read(run: Interpreter, path: object) -> object:
    name = in_tree(path) if isinstance(path, str) else None
    content = run.tree.read(name) if name else None
    return UNKNOWN if content is None else content.decode("utf-8", "replace")


def is_file(instance: Instance) -> bool:
    return isinstance(instance.made_by, External) and instance.made_by.name == "hwb.File"

"""What extensions are written in, and whether a failure to compile them is tolerated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from headless_wheel_builder.core.analysis.findings import language_of
from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.parsing import Code
from headless_wheel_builder.core.analysis.script.values import (
    Class,
    Function,
    Instance,
    bare,
)
from headless_wheel_builder.core.analysis.script.wheel_command import command_of

BUILDING: Final = frozenset(
    ["build", "build_py", "build_ext", "build_clib", "install", "bdist_wheel", "egg_info", "develop"]
)
COMPILING: Final = re.compile(
    r"^(?:g?make|cmake|meson|ninja|cargo|go|gcc|g\+\+|cc|clang|clang\+\+|nvcc|zig|gfortran|swig)(?: [\w ./=-]*)?$"
    r"|\.(?:so|dylib|dll)$"
)


def is_compiled_by_cffi(code: Code, entry: object) -> bool | None:
    """Tell whether cffi compiles something: `set_source(name, None)` says that it does not."""
    if not isinstance(entry, str):
        return True
    tree = code.parsed(entry.partition(":")[0])
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set_source":
            source = node.args[1] if len(node.args) > 1 else None
            return not (isinstance(source, ast.Constant) and source.value is None)
    return True


def languages_of(kwargs: Mapping[str, object], arguments: Mapping[str, str]) -> Iterator[str]:
    for name, language in arguments.items():
        found = bare(kwargs.get(name)) if name in kwargs else None
        for one in found if isinstance(found, (list, tuple)) else []:
            if language:
                yield language
            elif isinstance(one := bare(one), Instance):
                yield from _of_extension(one)


def _of_extension(extension: Instance) -> Iterator[str]:
    kinds = extension.kinds()
    if "RustExtension" in kinds or "RustBin" in kinds:
        yield "rust"
    if "mypycify" in kinds:
        yield "mypyc"
    if "cythonize" in kinds:
        yield "cython"
    if bare(extension.attribute("language")) == "c++":
        yield "c++"
    sources = bare(extension.attribute("sources", 1))
    for source in sources if isinstance(sources, (list, tuple)) else []:
        if isinstance(bare(source), str) and (language := language_of(str(bare(source)))):
            yield language


def is_optional_to_all(kwargs: Mapping[str, object]) -> bool:
    many = [
        bare(one)
        for name in ("ext_modules", "rust_extensions")
        if isinstance(found := bare(kwargs.get(name)), (list, tuple))
        for one in found
    ]
    extensions = [one for one in many if isinstance(one, Instance)]
    if extensions and all(operations.truth(bare(one.attribute("optional"))) for one in extensions):
        return True
    kind = command_of(kwargs, "build_ext")
    return isinstance(kind, Class) and _tolerates(kind)


def _tolerates(kind: Class) -> bool:
    """Tell whether a `build_ext` goes on where compiling failed."""
    for name in ("run", "build_extension", "build_extensions"):
        if kind.has(name) and isinstance(method := kind.member(name), Function):
            for node in ast.walk(method.node):
                if isinstance(node, ast.ExceptHandler) and not any(
                    isinstance(one, ast.Raise) for one in ast.walk(node)
                ):
                    return True
    return False


def compiling_command(kwargs: Mapping[str, object]) -> str:
    """Return the name of a command of the project that may compile something when a wheel is built; empty if none."""
    commands = bare(kwargs.get("cmdclass"))
    for name, command in commands.items() if isinstance(commands, dict) else ():
        kind = bare(command)
        if name in BUILDING and isinstance(kind, Class) and mentions_compiling(kind.node):
            return str(name)
    return ""


def mentions_compiling(tree: ast.AST) -> bool:
    """Tell whether code names a compiler, a tool that runs one, or a library."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and COMPILING.search(text) is not None for text in texts)

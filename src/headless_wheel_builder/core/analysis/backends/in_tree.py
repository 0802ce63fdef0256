"""A backend that is in the source tree (PEP 517, `backend-path`): what it wraps, and what it changes of that."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from headless_wheel_builder.core.analysis.findings import Findings, unknown
from headless_wheel_builder.core.analysis.script.parsing import parse
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.values import changed

FILE_LIMIT: Final = 60
# What a wrapper of setuptools does to have it make a wheel of the platform.
PATCHES: Final = re.compile(rb"\b(?:has_ext_modules|root_is_pure)\b")
# What a wrapper that compiles calls, or names.
COMPILING: Final = re.compile(rb"\b(?:cythonize|mypycify|ext_modules|rust_extensions|Extension|build_ext)\b")
VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
SWITCHES: Final = ("NO_EXT", "PURE", "EXTENSION", "CYTHON", "MYPYC", "SKIP", "DISABLE", "FORCE", "BUILD")

LookAs: TypeAlias = Callable[[Source, str], "Findings | None"]
Files: TypeAlias = Mapping[str, bytes]


def look(source: Source, look_as: LookAs, name_of: Callable[[str], str]) -> Findings:
    """Say what a backend in the tree makes."""
    module = source.build_system.backend.partition(":")[0]
    # A backend that builds itself, as flit_core and hatchling do.
    if (found := look_as(source, module)) is not None:
        return found
    files = dict(_files(source, module))
    for name, content in files.items():
        for line, wrapped in _imports(content):
            if (found := look_as(source, wrapped)) is not None:
                evidence = (f"{name} line {line}: wraps {wrapped}", *found.evidence)
                found = changed(found, evidence=evidence, backend=name_of(wrapped))
                return _patched(files, found)
    return unknown(f"build-backend = {module}: it is in the tree, and wraps nothing that is known")


def _files(source: Source, module: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the backend: its own, and what is beside it in its package."""
    stem = module.replace(".", "/")
    for folder in source.build_system.backend_path:
        names = [posixpath.normpath(posixpath.join(folder, f"{stem}.py"))]
        package = stem if "/" not in stem else posixpath.dirname(stem)
        inside = posixpath.normpath(posixpath.join(folder, package)) + "/"
        names += [one for one in source.tree.files() if one.startswith(inside) and one.endswith(".py")]
        for name in [*dict.fromkeys(names)][:FILE_LIMIT]:
            if (content := source.tree.read(name)) is not None:
                yield name, content


def _imports(content: bytes) -> Iterator[tuple[int, str]]:
    tree = parse(content)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _patched(files: Files, found: Findings) -> Findings:
    for name, content in files.items():
        for node in _stores(content):
            condition = _switch(files)
            languages = found.languages | {"cython" for one in files.values() if b"cythonize" in one.lower()}
            return changed(
                found,
                present=True,
                extensions="conditional" if condition else "always",
                condition=condition,
                evidence=(*found.evidence, f"{name} line {node.lineno}: replaces {node.attr}"),
                languages=languages,
            )
        if found.extensions == "none" and (word := COMPILING.search(content)):
            line = content.count(b"\n", 0, word.start()) + 1
            return unknown(*found.evidence, f"{name} line {line}: {word[0].decode()}")
    return found


def _stores(content: bytes) -> Iterator[ast.Attribute]:
    tree = parse(content) if PATCHES.search(content) else None
    for node in ast.walk(tree) if tree else ():
        if (
            isinstance(node, ast.Attribute)
            and PATCHES.fullmatch(node.attr.encode())
            and isinstance(node.ctx, ast.Store)
        ):
            yield node


def _switch(files: Files) -> str:
    """Return the variable that most likely switches extensions off."""
    texts = [
        node.value
        for content in files.values()
        for node in ast.walk(parse(content) or ast.Module([], []))
        if isinstance(node, ast.Constant)
    ]
    names = [text for text in texts if isinstance(text, str) and VARIABLE.fullmatch(text)]
    return next((name for word in SWITCHES for name in names if word in name), "")

"""A backend that is in the source tree (PEP 517, `backend-path`): what it wraps, and what it changes of that."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from headless_wheel_builder.core.analysis.findings import Findings, unknown
from headless_wheel_builder.core.analysis.script.parsing import parse
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.values import changed

FILE_LIMIT: Final = 60
# What a wrapper of setuptools does to have it make a wheel of the platform.
PATCHES: Final = frozenset(["has_ext_modules", "root_is_pure"])
VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
SWITCH: Final = re.compile(r"PURE|EXTENSION|NO_EXT|SKIP|DISABLE|FORCE|CYTHON|MYPYC|BUILD")

LookAs = Callable[[Source, str], "Findings | None"]


def look(source: Source, look_as: LookAs) -> Findings:
    """Say what a backend in the tree makes."""
    module = source.build_system.backend.partition(":")[0]
    files = [*_files(source, module)]
    # A backend that builds itself, as flit_core and hatchling do.
    if (found := look_as(source, module)) is not None and not _is_shadowed(source, module):
        return found
    for name, tree in files:
        for line, wrapped in _imports(tree):
            if (found := look_as(source, wrapped)) is not None:
                found = changed(found, evidence=(f"{name} line {line}: wraps {wrapped}", *found.evidence))
                return _patched(files, found)
    return unknown(f"build-backend = {module}: it is in the tree, and wraps nothing that is known")


def _is_shadowed(source: Source, module: str) -> bool:
    _ = source
    return module == "backend"


def _files(source: Source, module: str) -> Iterator[tuple[str, ast.Module]]:
    stem = module.replace(".", "/")
    for folder in source.build_system.backend_path:
        home = posixpath.normpath(posixpath.join(folder, posixpath.dirname(stem)))
        alone = posixpath.normpath(posixpath.join(folder, f"{stem}.py"))
        package = posixpath.normpath(posixpath.join(folder, stem)) + "/"
        # The first file is the backend's own, and what is beside it in its package may be what does the work.
        names = [alone, *(one for one in source.tree.files() if one.startswith(package) and one.endswith(".py"))]
        if "/" in stem:
            names += [one for one in source.tree.files() if one.startswith(f"{home}/") and one.endswith(".py")]
        for name in [*dict.fromkeys(names)][:FILE_LIMIT]:
            if (content := source.tree.read(name)) is not None and (tree := parse(content)) is not None:
                yield name, tree


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _patched(files: list[tuple[str, ast.Module]], found: Findings) -> Findings:
    for name, tree in files:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in PATCHES and isinstance(node.ctx, ast.Store):
                condition = _switch(files)
                evidence = (*found.evidence, f"{name} line {node.lineno}: replaces {node.attr}")
                kind = "conditional" if condition else "always"
                languages = found.languages | {"cython" for _, one in files if "cythonize" in ast.dump(one).lower()}
                return changed(
                    found, present=True, extensions=kind, condition=condition, evidence=evidence, languages=languages
                )
    return found


def _switch(files: list[tuple[str, ast.Module]]) -> str:
    """Return the variable that most likely switches extensions off."""
    names = [
        node.value
        for _, tree in files
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    ]
    for word in ("NO_EXT", "PURE", "EXTENSION"):
        if found := next((name for name in names if word in name), ""):
            return found
    return next((name for name in names if SWITCH.search(name)), "")

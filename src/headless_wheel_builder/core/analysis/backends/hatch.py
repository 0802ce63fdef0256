"""hatchling: its build hooks (https://hatch.pypa.io/latest/config/build/#build-hooks)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headless_wheel_builder.core.analysis.findings import Findings, compiled, pure, unknown
from headless_wheel_builder.core.analysis.script.exploration import explore
from headless_wheel_builder.core.analysis.script.extensions import mentions_compiling
from headless_wheel_builder.core.analysis.script.hook import hook_ends
from headless_wheel_builder.core.analysis.script.parsing import parse
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at, table, text
from headless_wheel_builder.values import changed

COMPILING: Final = {
    "mypyc": "mypyc",
    "cython": "cython",
    "scikit-build": "c++",
    "cmake": "c++",
    "rust": "rust",
    "zig": "zig",
    "cffi": "cffi",
    "gettext": "",
}
HARMLESS: Final = frozenset(
    [
        "version",
        "vcs",
        "build-scripts",
        "autorun",
        "jupyter-builder",
        "requirements_txt",
        "regex-commit",
        "nodejs-build",
        "nodejs",
        "pip-deepfreeze",
        "openzim-files",
        "gettext",
        "mkdocs",
        "protobuf",
        "datamodel-code-generator",
        "fancy-pypi-readme",
        "docstring-description",
        "single-version",
        "argparse-manpage",
        "dependency-coversion",
        "pypi-readme",
        "build_scripts",
        "grpc",
        "ipykernel-kernel",
        "sbom",
    ]
)
PLATFORM_KEYS: Final = frozenset(["infer_tag", "tag", "pure_python"])


def look(source: Source) -> Findings:
    """Say what hatchling makes."""
    findings = pure("pyproject.toml: no build hook compiles anything")
    for place, name, hook in _hooks(source):
        found = _of_hook(source, place, name, hook)
        if found.extensions == "none":
            continue
        if at(hook, "enable-by-default") is False:
            found = _switched(found, name)
        findings = _stronger(findings, found)
    return findings


def _hooks(source: Source) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    build = table(source.pyproject, "tool", "hatch", "build")
    # In hatch.toml, the same tables have no `tool.hatch.` before them.
    for file, tables in (
        ("pyproject.toml: tool.hatch.", build),
        ("hatch.toml: ", table(source.toml("hatch.toml"), "build")),
    ):
        for name, hook in table(tables, "hooks").items():
            yield f"{file}build.hooks.{name}", name, hook if isinstance(hook, dict) else {}
        for name, hook in table(tables, "targets", "wheel", "hooks").items():
            yield f"{file}build.targets.wheel.hooks.{name}", name, hook if isinstance(hook, dict) else {}


def _of_hook(source: Source, place: str, name: str, hook: Mapping[str, Any]) -> Findings:
    if name == "custom":
        return _of_script(source, place, text(hook, "path") or "hatch_build.py")
    if name in HARMLESS:
        return pure()
    if name in COMPILING:
        return compiled(place, languages=frozenset([COMPILING[name]]))
    return unknown(f"{place}: what this hook does is not known")


def _of_script(source: Source, place: str, path: str) -> Findings:
    tree = parse(source.tree.read(path) or b"")
    if tree is None or not tree.body:
        return unknown(f"{place}: {path} cannot be read")
    found = explore(source.tree, source.provides, path, hook_ends)
    if found.present is None or found.extensions != "none":
        return changed(found, evidence=(place, *found.evidence), languages=frozenset(_languages(tree)))
    # What is set where it was not looked for is not overlooked.
    if line := next((line for line, _, is_platform in _assignments(tree) if is_platform), 0):
        return unknown(f"{place}: {path} line {line} may give wheels a tag of the platform")
    return _without_tags(tree, place, path)


def _without_tags(tree: ast.Module, place: str, path: str) -> Findings:
    # A hook can give what it was given to another, which then sets the tag.
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(
            isinstance(arg, ast.Name) and arg.id == "build_data" for arg in node.args
        ):
            return unknown(f"{place}: {path} line {node.lineno} passes build_data on")
    return unknown(f"{place}: {path} may compile something") if mentions_compiling(tree) else pure()


def _assignments(tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(one.slice, node.value) for one in node.targets if isinstance(one, ast.Subscript)]
        elif isinstance(node, ast.Dict):
            pairs = [*zip(node.keys, node.values, strict=True)]
        for key, assigned in pairs:
            if isinstance(key, ast.Constant) and key.value in PLATFORM_KEYS:
                yield key.lineno, str(key.value), _is_platform(str(key.value), assigned)


def _is_platform(key: str, assigned: ast.expr) -> bool:
    constant = assigned.value if isinstance(assigned, ast.Constant) else None
    if key == "pure_python":
        return constant is not True
    if key == "infer_tag":
        return constant is not False
    return not (isinstance(constant, str) and constant.endswith("-any"))


def _languages(tree: ast.Module) -> Iterator[str]:
    words = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    words |= {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named = {"Cython": "cython", "mypyc": "mypyc", "cffi": "cffi", "setuptools_rust": "rust"}
    return (named[word] for word in words if word in named)


def _switched(found: Findings, name: str) -> Findings:
    variable = f"HATCH_BUILD_HOOK_ENABLE_{name.upper().replace('-', '_')}"
    evidence = (*found.evidence, "enable-by-default = false")
    return changed(found, present=False, extensions="conditional", condition=variable, evidence=evidence)


def _stronger(one: Findings, other: Findings) -> Findings:
    order = {True: 2, None: 1, False: 0}
    first, second = sorted(
        (one, other), key=lambda found: (order[found.present], found.extensions != "none"), reverse=True
    )
    languages = first.languages | second.languages
    evidence = (*first.evidence, *(second.evidence if second.extensions != "none" else ()))
    return changed(first, languages=languages, evidence=evidence)

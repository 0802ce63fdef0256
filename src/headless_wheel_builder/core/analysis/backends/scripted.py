"""poetry-core and pdm-backend: backends that run a script of the project, and say so in their tables."""

from __future__ import annotations

import ast

from headless_wheel_builder.core.analysis.findings import Findings, compiled, pure, unknown
from headless_wheel_builder.core.analysis.script.exploration import explore
from headless_wheel_builder.core.analysis.script.parsing import parse
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at, table, text
from headless_wheel_builder.values import changed


def look_at_poetry(source: Source) -> Findings:
    """Say what poetry-core makes: a wheel of the platform wherever there is a build script."""
    build = at(source.pyproject, "tool", "poetry", "build")
    script = build if isinstance(build, str) else text(build, "script")
    if not script:
        return pure("pyproject.toml: tool.poetry names no build script")
    words = (source.tree.read(script) or b"").decode("utf-8", "replace")
    languages = {"cython" for word in ("cythonize",) if word in words}
    return compiled(f"pyproject.toml: tool.poetry.build.script = {script!r}", languages=frozenset(languages))


def look_at_pdm(source: Source) -> Findings:
    """Say what pdm-backend makes (https://backend.pdm-project.org)."""
    build = table(source.pyproject, "tool", "pdm", "build")
    findings = _of_setup(source, build) or _of_hook(source, text(build, "custom-hook") or "pdm_build.py")
    is_pure = at(build, "is-purelib")
    if isinstance(is_pure, bool):
        evidence = f"pyproject.toml: tool.pdm.build.is-purelib = {str(is_pure).lower()}"
        return pure(evidence) if is_pure else compiled(evidence, languages=findings.languages)
    return findings


def _of_setup(source: Source, build: object) -> Findings | None:
    if at(build, "run-setuptools") is not True and not text(build, "setup-script"):
        return None
    evidence = "pyproject.toml: tool.pdm.build has setuptools run"
    found = explore(source.tree, source.provides) if source.tree.exists("setup.py") else unknown()
    return compiled(evidence, languages=found.languages)


def _of_hook(source: Source, path: str) -> Findings:
    content = source.tree.read(path)
    if content is None:
        return pure("pyproject.toml: tool.pdm.build names nothing that compiles")
    tree = parse(content)
    if tree is None:
        return unknown(f"{path} cannot be read")
    for node in ast.walk(tree):
        name = node.name if isinstance(node, ast.FunctionDef) else ""
        if name == "pdm_build_update_setup_kwargs":
            return compiled(f"{path} line {getattr(node, 'lineno', 0)}: {name}()")
        if isinstance(node, ast.Constant) and node.value == "is-purelib":
            return unknown(f"{path} line {node.lineno}: is-purelib")
    return pure(f"{path}: nothing that compiles")


def look_at_old_pdm(source: Source) -> Findings:
    """Say what pdm-pep517 makes."""
    tool = table(source.pyproject, "tool", "pdm")
    script = at(tool, "build")
    named = script if isinstance(script, str) else text(script, "setup-script")
    if not named and at(tool, "is-purelib") is not False and at(script, "is-purelib") is not False:
        return pure("pyproject.toml: tool.pdm names no build script")
    return changed(compiled(f"pyproject.toml: tool.pdm.build = {named!r}"), limited_api=None)

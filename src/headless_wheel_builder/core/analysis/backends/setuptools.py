"""setuptools: setup.py, setup.cfg, and the tables of pyproject.toml (setuptools' documentation, `tool.setuptools`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from headless_wheel_builder.core.analysis.findings import Findings, compiled, language_of, pure, unknown
from headless_wheel_builder.core.analysis.script.exploration import explore
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at, table, tables, text, texts
from headless_wheel_builder.isolation.distributions import required_names
from headless_wheel_builder.values import changed

# What nobody requires to build what is pure. cffi is not one of them: it also makes modules that are not compiled.
COMPILERS: Final = frozenset(
    [
        "cython",
        "mypy",
        "setuptools-rust",
        "setuptools-golang",
        "setuptools-zig",
        "pybind11",
        "nanobind",
        "scikit-build",
        "cmake-build-extension",
        "setuptools-cpp",
        "setuptools-dso",
        "milksnake",
        "swig",
    ]
)
COMMANDS: Final = frozenset(["build_ext", "bdist_wheel", "build", "build_py", "build_clib"])


def look(source: Source) -> Findings:
    """Say what setuptools makes."""
    findings = explore(source.tree, source.provides) if source.tree.exists("setup.py") else None
    for declared in _declared(source):
        findings = _with(findings, declared)
    findings = findings or pure("there is no setup.py, and no table declares an extension")
    return _doubted(source, findings) if findings.extensions == "none" else _limited(source, findings)


def _doubted(source: Source, findings: Findings) -> Findings:
    """Say that it cannot be known where something is there that only projects that compile have."""
    if compilers := COMPILERS & required_names(source.build_system.requires):
        return unknown(*findings.evidence, f"pyproject.toml: the build requires {min(compilers)}")
    if commands := COMMANDS & {*table(source.pyproject, "tool", "setuptools", "cmdclass")}:
        return unknown(*findings.evidence, f"pyproject.toml: [tool.setuptools.cmdclass] replaces {min(commands)}")
    return findings


def _with(script: Findings | None, declared: Findings) -> Findings:
    languages = declared.languages | (script.languages if script else frozenset())
    evidence = (*declared.evidence, *(script.evidence if script else ()))
    limited = script.limited_api if script else False
    arguments = script.arguments if script else {}
    return changed(declared, evidence=evidence, languages=languages, limited_api=limited, arguments=arguments)


def _declared(source: Source) -> Iterator[Findings]:
    tool = table(source.pyproject, "tool")
    if modules := at(tool, "setuptools", "ext-modules"):
        yield _ext_modules(tables(tool, "setuptools", "ext-modules"), is_known=isinstance(modules, list))
    for name in ("ext-modules", "bins"):
        if at(tool, "setuptools-rust", name):
            yield compiled(f"pyproject.toml: [[tool.setuptools-rust.{name}]]", languages=frozenset(["rust"]))
    if at(tool, "scikit-build", "cmake") and source.tree.exists("CMakeLists.txt") and _uses_cmake(source):
        yield compiled("pyproject.toml: [tool.scikit-build.cmake] beside scikit_build_core.setuptools")
    for place, options in _wheel_options(source):
        if options.get("plat-name") or options.get("plat_name"):
            yield compiled(f"{place} plat_name")
    for section in source.setup_cfg():
        if section.partition("=")[0].strip() == "extension" or section.startswith("extension:"):
            yield compiled(f"setup.cfg: [{section}]")


def _uses_cmake(source: Source) -> bool:
    return source.build_system.backend.startswith("scikit_build_core.setuptools")


def _ext_modules(modules: list[object] | list[dict[str, object]] | object, *, is_known: bool) -> Findings:
    many = modules if isinstance(modules, list) else []
    if not is_known:
        return unknown("pyproject.toml: tool.setuptools.ext-modules is not an array of tables")
    languages = {language_of(name) for one in many for name in texts(one, "sources")} - {""}
    languages |= {"c++" for one in many if text(one, "language") == "c++"}
    evidence = "pyproject.toml: [[tool.setuptools.ext-modules]]"
    if many and all(at(one, "optional") is True for one in many):
        return changed(compiled(evidence, languages=frozenset(languages)), extensions="optional")
    return compiled(evidence, languages=frozenset(languages))


def _limited(source: Source, findings: Findings) -> Findings:
    if not findings.present:
        return findings
    for place, options in _wheel_options(source):
        for key in ("py-limited-api", "py_limited_api"):
            if options.get(key):
                evidence = (*findings.evidence, f"{place} {key} = {options[key]!r}")
                return changed(findings, limited_api=True, evidence=evidence)
    return findings


def _wheel_options(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    table_of_toml = table(source.pyproject, "tool", "distutils", "bdist_wheel")
    yield "pyproject.toml: [tool.distutils.bdist_wheel]", table_of_toml
    yield "setup.cfg: [bdist_wheel]", source.setup_cfg().get("bdist_wheel", {})

"""scikit-build-core: `[tool.scikit-build]` (https://scikit-build-core.readthedocs.io)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headless_wheel_builder.core.analysis.findings import Findings, compiled, pure
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at, table, tables
from headless_wheel_builder.values import changed


def look(source: Source) -> Findings:
    """Say what scikit-build-core makes: a pure wheel only if it is told to."""
    settings = table(source.pyproject, "tool", "scikit-build")
    wheel = table(settings, "wheel")
    overrides = [one for one in tables(settings, "overrides") if {"cmake", "platlib"} & {*table(one, "wheel")}]
    findings = _plain(wheel)
    if overrides:
        condition = _condition(overrides[0])
        evidence = (*findings.evidence, f"pyproject.toml: [[tool.scikit-build.overrides]] if {condition}")
        findings = changed(findings, extensions="conditional", condition=condition, evidence=evidence)
        if not findings.present:
            findings = changed(findings, present=None)
    return findings


def _plain(wheel: Mapping[str, Any]) -> Findings:
    for key in ("cmake", "platlib"):
        if wheel.get(key) is False:
            return pure(f"pyproject.toml: [tool.scikit-build] wheel.{key} = false")
    evidence = "pyproject.toml: build-backend = scikit_build_core.build"
    api = wheel.get("py-api")
    if isinstance(api, str) and re.match(r"cp3\d+", api):
        # Interpreters older than it get wheels of their own.
        return compiled(evidence, f"pyproject.toml: [tool.scikit-build] wheel.py-api = {api!r}", limited_api=True)
    return compiled(evidence)


def _condition(override: Mapping[str, Any]) -> str:
    names = [*table(override, "if", "env"), *table(override, "if", "any", "env")]
    return names[0] if names else ", ".join(map(str, table(override, "if"))) or str(at(override, "if"))

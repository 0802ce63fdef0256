"""maturin: Cargo.toml, and `[tool.maturin]` (https://www.maturin.rs/config)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from headless_wheel_builder.core.analysis.findings import Findings, compiled
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at, table, text, texts

RUST = frozenset(["rust"])


def look(source: Source) -> Findings:
    """Say what maturin makes: never a pure wheel."""
    maturin = table(source.pyproject, "tool", "maturin")
    manifest = text(maturin, "manifest-path") or _manifest(source)
    cargo = source.toml(manifest)
    evidence = "pyproject.toml: build-backend = maturin"
    if not cargo:
        return compiled(evidence, f"{manifest} cannot be read", languages=RUST, limited_api=None)
    if text(maturin, "bindings") in {"bin", "cffi", "uniffi"}:
        return compiled(evidence, f"pyproject.toml: bindings = {maturin['bindings']}", languages=RUST)
    asked = {*texts(maturin, "features"), *_defaults(cargo)}
    enabled = {*_dependency_features(source, manifest, cargo), *_expanded(cargo, asked)}
    limited = sorted(one for one in enabled if one.startswith("abi3"))
    says = (f"{manifest}: pyo3 has the feature {limited[0]}",) if limited else ()
    return compiled(evidence, *says, languages=RUST, limited_api=bool(limited))


def _manifest(source: Source) -> str:
    # As maturin looks for it, where no path is given.
    return next((one for one in ("Cargo.toml", "rust/Cargo.toml") if source.tree.exists(one)), "Cargo.toml")


def _defaults(cargo: Mapping[str, Any]) -> tuple[str, ...]:
    return texts(cargo, "features", "default")


def _expanded(cargo: Mapping[str, Any], asked: set[str]) -> Iterator[str]:
    """Yield the features of pyo3 that features of the crate turn on."""
    waiting, seen = [*asked], set(asked)
    while waiting:
        feature = waiting.pop()
        crate, slash, inner = feature.partition("/")
        if slash and crate.rstrip("?") == "pyo3":
            yield inner
        more = {*texts(cargo, "features", feature)} - seen
        seen |= more
        waiting += more


def _dependency_features(source: Source, manifest: str, cargo: Mapping[str, Any]) -> Iterator[str]:
    dependency = at(cargo, "dependencies", "pyo3")
    yield from texts(dependency, "features")
    if at(dependency, "workspace") is not True:
        return
    folder = posixpath.dirname(manifest)
    while True:
        root = source.toml(posixpath.join(folder, "Cargo.toml"))
        yield from texts(root, "workspace", "dependencies", "pyo3", "features")
        if not folder or "workspace" in root:
            return
        folder = posixpath.dirname(folder)

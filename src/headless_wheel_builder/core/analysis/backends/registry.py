"""The build backends that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from headless_wheel_builder.core.analysis.backends import cmake, hatch, in_tree, meson, rust, scripted, setuptools
from headless_wheel_builder.core.analysis.findings import Findings, compiled, pure, unknown
from headless_wheel_builder.core.analysis.source import Source

Look: TypeAlias = Callable[[Source], Findings]


def _pure(source: Source) -> Findings:
    return pure(f"build-backend = {source.build_system.backend}: makes pure wheels only")


def _compiled(source: Source) -> Findings:
    return compiled(f"build-backend = {source.build_system.backend}: compiles whatever it builds")


def _unknown(source: Source) -> Findings:
    return unknown(f"build-backend = {source.build_system.backend}: what it builds is not known")


# By the first parts of the backend's module: the name of the backend, and what looks at its projects.
BACKENDS: Final[Mapping[str, tuple[str, Look]]] = {
    "setuptools": ("setuptools", setuptools.look),
    "hatchling": ("hatchling", hatch.look),
    "flit_core": ("flit_core", _pure),
    "flit": ("flit", _pure),
    "flit_scm": ("flit_scm", _pure),
    "uv_build": ("uv_build", _pure),
    "poetry.core": ("poetry-core", scripted.look_at_poetry),
    "poetry": ("poetry", scripted.look_at_poetry),
    "poetry_dynamic_versioning": ("poetry-dynamic-versioning", scripted.look_at_poetry),
    "pdm.backend": ("pdm-backend", scripted.look_at_pdm),
    "pdm.pep517": ("pdm-pep517", scripted.look_at_old_pdm),
    "maturin": ("maturin", rust.look),
    "scikit_build_core.setuptools": ("scikit-build-core", setuptools.look),
    "scikit_build_core": ("scikit-build-core", cmake.look),
    "mesonpy": ("meson-python", meson.look),
    "mesonpep517": ("mesonpep517", _unknown),
    "sipbuild": ("sip", _compiled),
    "pyqtbuild": ("PyQt-builder", _compiled),
    "pbr": ("pbr", setuptools.look),
    "jupyter_packaging": ("jupyter-packaging", setuptools.look),
    "whey": ("whey", _pure),
    "trampolim": ("trampolim", _pure),
    "py_build_cmake": ("py-build-cmake", _compiled),
    "turbo_build": ("turbo-build", _unknown),
}


def name_of(backend: str) -> str:
    """Return the name of a backend; empty if it is not known."""
    return _entry(backend)[0]


def look(source: Source) -> Findings:
    """Say what the backend of a project makes of it."""
    if source.build_system.backend_path:
        return in_tree.look(source, look_as, name_of)
    return _entry(source.build_system.backend)[1](source)


def look_as(source: Source, backend: str) -> Findings | None:
    """Say what another backend would make of a project; None if it is not known."""
    name, looking = _entry(backend)
    return looking(source) if name else None


def _entry(backend: str) -> tuple[str, Look]:
    parts = backend.partition(":")[0].split(".")
    for length in range(len(parts), 0, -1):
        if found := BACKENDS.get(".".join(parts[:length])):
            return found
    return "", _unknown

"""Say what a source tree is and what a build of it would make, without running any of its code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headless_wheel_builder.core import project
from headless_wheel_builder.core.analysis.backends import registry
from headless_wheel_builder.core.analysis.binaries import shipped
from headless_wheel_builder.core.analysis.facts import Facts, read_facts
from headless_wheel_builder.core.analysis.findings import Extensions, Findings, unknown
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tree import FolderTree, SourceTree, read_sdist
from headless_wheel_builder.core.reading import Checkpoint, never
from headless_wheel_builder.core.sdist import SUFFIX
from headless_wheel_builder.errors import ProjectError
from headless_wheel_builder.sizes import DEFAULT_SIZE
from headless_wheel_builder.values import changed, named_value

# Where what a build makes is decided besides the code.
SETTINGS: Final = ("pyproject.toml", "setup.cfg")


@named_value
class Backend:
    """The build backend of a project.

    :param name: as its project is called, `setuptools` for example; empty if it is not known
    :param module: as `build-backend` names it
    :param in_tree: whether it is in the source tree (PEP 517, `backend-path`)
    """

    name: str
    module: str
    in_tree: bool


@named_value
class ProjectMetadata:
    """What a source tree says without running any of it.

    :param name: empty if it is not known, as are `version` and `requires_python`
    :param dynamic: the fields that only a build tells, by their names in `[project]`
    :param has_extension_modules: whether a plain build, on Linux with CPython, makes a wheel that is not pure; None if
        that cannot be known
    :param extensions: `optional`: made where possible, a failure is tolerated; `conditional`: switched by something
        from outside
    :param extension_condition: what switches them: the name of a variable, for example
    :param limited_api: whether wheels are for the limited API (`abi3`); None if that cannot be known
    :param evidence: where each of this is from
    """

    name: str
    version: str
    dynamic: tuple[str, ...]
    requires_python: str
    backend: Backend
    build_requirements: tuple[str, ...]
    dependencies: tuple[str, ...]
    optional_dependencies: Mapping[str, tuple[str, ...]]
    has_extension_modules: bool | None
    extensions: Extensions
    extension_condition: str
    extension_languages: tuple[str, ...]
    limited_api: bool | None
    has_pyproject: bool
    has_setup_py: bool
    has_setup_cfg: bool
    evidence: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain JSON data."""
        return {name: _plain(getattr(self, name)) for name in ProjectMetadata.__annotations__}


def _plain(value: object) -> object:
    if isinstance(value, Backend):
        return dict(vars(value))
    if isinstance(value, tuple):
        return [*value]
    return {key: [*many] for key, many in value.items()} if isinstance(value, Mapping) else value


class ProjectAnalyzer:
    """Say what source trees are, for programs that use asyncio."""

    async def analyze(self, path: str | os.PathLike[str]) -> ProjectMetadata:
        """Say what a folder or an sdist is.

        :raises ProjectError: it is no source tree, or its pyproject.toml cannot be read
        :raises SdistError: it is an sdist that is damaged or hostile
        """
        from headless_wheel_builder.threads import run_blocking

        return await run_blocking(lambda processes: analyze(os.fspath(path), processes.checkpoint))


def analyze(path: str, checkpoint: Checkpoint = never, size: int = DEFAULT_SIZE) -> ProjectMetadata:
    """Say what a folder or an sdist is.

    :param path: as the user wrote it
    :param size: how many bytes an sdist may unpack to
    :raises ProjectError: it is no source tree, or its pyproject.toml cannot be read
    :raises SdistError: it is an sdist that is damaged or hostile
    """
    source = _opened(path, checkpoint, size)
    findings = _findings(source)
    return _metadata(source, findings)


def _opened(path: str, checkpoint: Checkpoint, size: int) -> Source:
    if path.endswith(SUFFIX) and os.path.isfile(path):
        tree: SourceTree = read_sdist(Path(path), checkpoint, size)
        _check(tree, path)
    else:
        project.read_build_system(path, _ignored)
        tree = FolderTree(path)
    content = tree.read("pyproject.toml")
    name = os.path.join(path, "pyproject.toml")
    pyproject, build_system = project.parse_build_system(name, content, _ignored)
    return Source(tree, pyproject, build_system)


def _check(tree: SourceTree, path: str) -> None:
    if not tree.exists("pyproject.toml") and not tree.exists("setup.py"):
        raise ProjectError(
            f"Source {path} does not appear to be a Python project: no pyproject.toml or setup.py",
            hint="Fetch or make the source distribution again.",
        )


def _ignored(_warning: str) -> None:
    """Leave warnings to who builds."""


def _findings(source: Source) -> Findings:
    for name in SETTINGS:
        if source.tree.exists(name) and source.tree.read(name) is None:
            return unknown(f"{name} is too large to be looked at")
    findings = registry.look(source)
    if findings.present:
        return findings
    if found := shipped(source.tree.files()):
        evidence = (f"{found[0]} is compiled, and in a package", *findings.evidence)
        return changed(findings, present=True, extensions="always", evidence=evidence)
    return findings


def _metadata(source: Source, findings: Findings) -> ProjectMetadata:
    facts: Facts = read_facts(source, findings.arguments)
    build_system = source.build_system
    module = build_system.backend
    name = registry.name_of(module) or findings.backend
    return ProjectMetadata(
        name=facts.name,
        version=facts.version,
        dynamic=facts.dynamic,
        requires_python=facts.requires_python,
        backend=Backend(name=name, module=module, in_tree=bool(build_system.backend_path)),
        build_requirements=build_system.requires,
        dependencies=facts.dependencies,
        optional_dependencies=facts.optional_dependencies,
        has_extension_modules=findings.present,
        extensions=findings.extensions,
        extension_condition=findings.condition,
        extension_languages=tuple(sorted(findings.languages - {""})),
        limited_api=findings.limited_api,
        has_pyproject=source.tree.exists("pyproject.toml"),
        has_setup_py=source.tree.exists("setup.py"),
        has_setup_cfg=source.tree.exists("setup.cfg"),
        evidence=(*findings.evidence, *facts.evidence),
    )

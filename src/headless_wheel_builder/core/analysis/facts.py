"""What a project says of itself: its name, its version, what it requires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.values import bare
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import table, text, texts
from headless_wheel_builder.core.identity import read_headers
from headless_wheel_builder.values import changed, field, named_value

Arguments: TypeAlias = Mapping[str, object]
FIELDS: Final = ("name", "version", "requires_python", "dependencies", "optional_dependencies")


@named_value
class Facts:
    """What is known; empty where nothing is."""

    name: str = ""
    version: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    optional_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


def read_facts(source: Source, arguments: Arguments) -> Facts:
    """Return what is known of a project, from the first place that says it.

    :param arguments: of setup(), as far as they are known
    """
    readers: list[tuple[str, Callable[[], Facts]]] = [
        ("pyproject.toml: [project]", lambda: _standard(source)),
        ("pyproject.toml: [tool.poetry]", lambda: _poetry(source)),
        ("pyproject.toml: [tool.flit.metadata]", lambda: _flit(source)),
        ("setup.py: setup()", lambda: _script(arguments)),
        ("setup.cfg", lambda: _cfg(source)),
        ("PKG-INFO", lambda: _pkg_info(source)),
    ]
    facts = Facts()
    for place, read in readers:
        facts = _filled(facts, read(), place)
    return facts


def _filled(facts: Facts, more: Facts, place: str) -> Facts:
    new = {name: getattr(more, name) for name in FIELDS if not getattr(facts, name) and getattr(more, name)}
    evidence = (*facts.evidence, *(f"{place} says {name}" for name in new))
    dynamic = tuple(dict.fromkeys((*facts.dynamic, *more.dynamic)))
    return changed(facts, **new, evidence=evidence, dynamic=dynamic)


def _standard(source: Source) -> Facts:
    project = table(source.pyproject, "project")
    return Facts(
        name=text(project, "name"),
        version=text(project, "version"),
        requires_python=text(project, "requires-python"),
        dependencies=texts(project, "dependencies"),
        optional_dependencies=_extras(table(project, "optional-dependencies")),
        dynamic=texts(project, "dynamic"),
    )


def _extras(extras: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
    return {name: texts(extras, name) for name in extras}


def _poetry(source: Source) -> Facts:
    poetry = table(source.pyproject, "tool", "poetry")
    # Its own versions (^1.2) are not requirements, and a build turns them into some.
    wanted = {*table(poetry, "dependencies")} - {"python"}
    dynamic = ("dependencies",) if wanted and "project" not in source.pyproject else ()
    return Facts(name=text(poetry, "name"), version=text(poetry, "version"), dynamic=dynamic)


def _flit(source: Source) -> Facts:
    flit = table(source.pyproject, "tool", "flit", "metadata")
    name = text(flit, "dist-name") or text(flit, "module")
    dynamic = ("version",) if name else ()
    return Facts(
        name=name,
        requires_python=text(flit, "requires-python"),
        dependencies=texts(flit, "requires"),
        optional_dependencies=_extras(table(flit, "requires-extra")),
        dynamic=dynamic,
    )


def _script(arguments: Arguments) -> Facts:
    return Facts(
        name=_plain(arguments, "name"),
        version=_plain(arguments, "version"),
        requires_python=_plain(arguments, "python_requires"),
        dependencies=_plains(arguments.get("install_requires")),
        optional_dependencies=_script_extras(arguments.get("extras_require")),
        dynamic=tuple(_computed(arguments)),
    )


def _computed(arguments: Arguments) -> Iterator[str]:
    named = {
        "name": "name",
        "version": "version",
        "python_requires": "requires-python",
        "install_requires": "dependencies",
        "extras_require": "optional-dependencies",
    }
    for argument, name in named.items():
        if argument in arguments and not operations.is_known(bare(arguments[argument])):
            yield name
    if arguments.get("use_scm_version"):
        yield "version"


def _plain(arguments: Arguments, name: str) -> str:
    found = bare(arguments.get(name))
    return found if isinstance(found, str) else ""


def _plains(value: object) -> tuple[str, ...]:
    found = bare(value)
    many = [line.strip() for line in found.splitlines()] if isinstance(found, str) else found
    if not isinstance(many, (list, tuple)):
        return ()
    return tuple(str(bare(one)) for one in many if isinstance(bare(one), str) and bare(one))


def _script_extras(value: object) -> Mapping[str, tuple[str, ...]]:
    found = bare(value)
    if not isinstance(found, dict):
        return {}
    return {name: _plains(requires) for name, requires in found.items() if isinstance(name, str)}


def _cfg(source: Source) -> Facts:
    cfg = source.setup_cfg()
    options = cfg.get("options", {})
    version = cfg.get("metadata", {}).get("version", "")
    is_directive = version.startswith(("attr:", "file:"))
    return Facts(
        name=cfg.get("metadata", {}).get("name", ""),
        version="" if is_directive else version,
        requires_python=options.get("python_requires", ""),
        dependencies=_lines(options.get("install_requires", "")),
        optional_dependencies={
            name: _lines(requires) for name, requires in cfg.get("options.extras_require", {}).items()
        },
        dynamic=("version",) if is_directive else (),
    )


def _lines(value: str) -> tuple[str, ...]:
    if value.strip().startswith("file:"):
        return ()
    found = (line.partition(" #")[0].strip() for line in value.splitlines())
    return tuple(line for line in found if line and not line.startswith("#"))


def _pkg_info(source: Source) -> Facts:
    try:
        headers = read_headers(source.tree.read("PKG-INFO") or b"")
    except ValueError:
        return Facts()

    def first(header: str) -> str:
        return next(iter(headers.get(header, [])), "")

    return Facts(name=first("name"), version=first("version"), requires_python=first("requires-python"))

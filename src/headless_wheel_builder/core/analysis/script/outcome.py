"""What one way through setup.py ends with: what setup() was called with, and what a build makes of that."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from headless_wheel_builder.core.analysis.findings import language_of
from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.interpreter import Interpreter, Setup
from headless_wheel_builder.core.analysis.script.parsing import parse
from headless_wheel_builder.core.analysis.script.values import (
    REST,
    UNKNOWN,
    Class,
    External,
    Function,
    Instance,
    bare,
)
from headless_wheel_builder.values import value

# What setup() compiles, and in what it is written.
ARGUMENTS: Final = {
    "ext_modules": "",
    "rust_extensions": "rust",
    "cffi_modules": "cffi",
    "libraries": "c",
    "milksnake_tasks": "",
    "cmake_source_dir": "",
    "build_golang": "go",
    "x_dsos": "",
    "configuration": "",
}
PATCHED: Final = "Distribution.has_ext_modules"


@value
class Outcome:
    """How a build ends.

    :param present: whether the wheel is not pure; None if it cannot be known
    :param is_optional: whether a failure to compile is tolerated
    """

    present: bool | None
    limited_api: bool | None
    is_optional: bool
    languages: frozenset[str]
    evidence: tuple[str, ...]


def outcome(run: Interpreter, setup: Setup) -> Outcome:
    """Say what a build makes of a call of setup()."""
    found = [(name, _amount(run, name, setup.kwargs)) for name in ARGUMENTS]
    present = _any(amount for _, amount in found)
    where = f"{setup.place} line {setup.line}"
    evidence = [f"{where}: setup({name}=[...])" for name, amount in found if amount]
    evidence += [f"{where}: setup({name}=...) cannot be known" for name, amount in found if amount is None]
    for reason, says in _overrides(run, setup, present):
        present = says
        evidence.append(f"{where}: {reason}")
    languages = frozenset(_languages(run, setup.kwargs)) if present else frozenset()
    is_optional = bool(present) and _is_optional(setup.kwargs)
    return Outcome(
        present,
        _limited_api(run, setup.kwargs),
        is_optional,
        languages,
        tuple(evidence) or (f"{where}: setup() without extensions",),
    )


def _any(amounts: Iterator[bool | None]) -> bool | None:
    found = [*amounts]
    return True if True in found else None if None in found else False


def _amount(run: Interpreter, name: str, kwargs: Mapping[str, object]) -> bool | None:
    if name not in kwargs:
        return None if REST in kwargs and name == "ext_modules" else False
    found = bare(kwargs[name])
    if name == "cffi_modules" and isinstance(found, (list, tuple, str)):
        many = [found] if isinstance(found, str) else [*found]
        return _any(_is_compiled_by_cffi(run, one) for one in many)
    return True if isinstance(found, (Instance, External)) else operations.truth(found)


def _is_compiled_by_cffi(run: Interpreter, entry: object) -> bool | None:
    """Tell whether cffi compiles something: `set_source(name, None)` says that it does not."""
    if not isinstance(entry, str):
        return True
    tree = parse(run.tree.read(entry.partition(":")[0]) or b"")
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set_source":
            source = node.args[1] if len(node.args) > 1 else None
            return not (isinstance(source, ast.Constant) and source.value is None)
    return True


def _overrides(run: Interpreter, setup: Setup, present: bool | None) -> Iterator[tuple[str, bool | None]]:
    kwargs = setup.kwargs
    if setup.function.partition(".")[0] == "skbuild":
        yield "setup() of scikit-build", True
    for name, patch in run.patches.items():
        if name.endswith(PATCHED):
            yield f"{PATCHED} is replaced", _truth(run, run.call(patch, [UNKNOWN], {}))
    if "has_ext_modules" in kwargs:
        yield "setup(has_ext_modules=...)", _truth(run, run.call(kwargs["has_ext_modules"], [], {}))
    if isinstance(kind := bare(kwargs.get("distclass")), Class):
        yield from _of_distribution(run, kind, kwargs, present)
    if isinstance(kind := _command(kwargs, "bdist_wheel"), Class):
        yield from _of_wheel(run, kind)
    if isinstance(operations.item(_options(kwargs), "plat_name"), str):
        yield "setup(options=...) names a platform", True


def _of_distribution(
    run: Interpreter, kind: Class, kwargs: Mapping[str, object], present: bool | None
) -> Iterator[tuple[str, bool | None]]:
    for name, pure in (("has_ext_modules", False), ("is_pure", True)):
        if kind.has(name):
            made = Instance(kind, [], dict(kwargs))
            says = _truth(run, run.call(kind.member(name), [made], {}))
            # What it asks of the extensions is not all known, but that there are some is.
            yield f"{kind.node.name}.{name}() says so", present if says is None else says is not pure


def _of_wheel(run: Interpreter, kind: Class) -> Iterator[tuple[str, bool | None]]:
    made = Instance(kind, [], {})
    if kind.has("finalize_options"):
        run.call(kind.member("finalize_options"), [made], {})
    if "root_is_pure" in made.attributes and (says := _truth(run, made.attributes["root_is_pure"])) is not True:
        yield f"{kind.node.name} sets root_is_pure", None if says is None else True
    match _tag(run, kind):
        case (_, _, str() as platform) if platform != "any":
            yield f"{kind.node.name}.get_tag() names a platform", True


def _tag(run: Interpreter, kind: Class) -> object:
    if not kind.has("get_tag"):
        return UNKNOWN
    return bare(run.call(kind.member("get_tag"), [Instance(kind, [], {})], {}))


def _truth(run: Interpreter, found: object) -> bool | None:
    _ = run
    return operations.truth(bare(found))


def _options(kwargs: Mapping[str, object]) -> object:
    options = operations.item(kwargs.get("options", {}), "bdist_wheel")
    return {} if options is UNKNOWN else options


def _command(kwargs: Mapping[str, object], name: str) -> object:
    return bare(operations.item(kwargs.get("cmdclass", {}), name))


def _limited_api(run: Interpreter, kwargs: Mapping[str, object]) -> bool | None:
    options = bare(kwargs.get("options", {}))
    wanted = operations.item(_options(kwargs), "py_limited_api")
    if isinstance(options, dict) and "bdist_wheel" in options and wanted is not UNKNOWN:
        return operations.truth(bare(wanted))
    kind = _command(kwargs, "bdist_wheel")
    if not isinstance(kind, Class):
        return None if options is UNKNOWN else False
    return _is_limited_by(run, kind)


def _is_limited_by(run: Interpreter, kind: Class) -> bool | None:
    """Tell whether a `bdist_wheel` of the project gives wheels the tag of the limited API."""
    made = Instance(kind, [], {})
    for name in ("initialize_options", "finalize_options"):
        if kind.has(name):
            run.call(kind.member(name), [made], {})
    if "py_limited_api" in made.attributes:
        return _truth(run, made.attributes["py_limited_api"])
    match _tag(run, kind):
        case (_, "abi3", _):
            return True
    return False


def _languages(run: Interpreter, kwargs: Mapping[str, object]) -> Iterator[str]:
    for name, language in ARGUMENTS.items():
        found = bare(kwargs.get(name)) if name in kwargs else None
        for one in found if isinstance(found, (list, tuple)) else []:
            if language:
                yield language
            elif isinstance(one := bare(one), Instance):
                yield from _of_extension(one)


def _of_extension(extension: Instance) -> Iterator[str]:
    kinds = extension.kinds()
    if "RustExtension" in kinds or "RustBin" in kinds:
        yield "rust"
    if "mypycify" in kinds:
        yield "mypyc"
    if "cythonize" in kinds:
        yield "cython"
    if bare(extension.attribute("language")) == "c++":
        yield "c++"
    sources = bare(extension.attribute("sources", 1))
    for source in sources if isinstance(sources, (list, tuple)) else []:
        if isinstance(bare(source), str) and (language := language_of(str(bare(source)))):
            yield language


def _is_optional(kwargs: Mapping[str, object]) -> bool:
    many = [
        bare(one)
        for name in ("ext_modules", "rust_extensions")
        if isinstance(found := bare(kwargs.get(name)), (list, tuple))
        for one in found
    ]
    extensions = [one for one in many if isinstance(one, Instance)]
    if extensions and all(operations.truth(bare(one.attribute("optional"))) for one in extensions):
        return True
    kind = _command(kwargs, "build_ext")
    return isinstance(kind, Class) and _tolerates(kind)


def _tolerates(kind: Class) -> bool:
    """Tell whether a `build_ext` goes on where compiling failed."""
    for name in ("run", "build_extension", "build_extensions"):
        if kind.has(name) and isinstance(method := kind.member(name), Function):
            for node in ast.walk(method.node):
                if isinstance(node, ast.ExceptHandler) and not any(
                    isinstance(one, ast.Raise) for one in ast.walk(node)
                ):
                    return True
    return False

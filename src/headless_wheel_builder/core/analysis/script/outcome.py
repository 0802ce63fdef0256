"""What one way through setup.py ends with: what setup() was called with, and what a build makes of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.extensions import (
    compiling_command,
    is_compiled_by_cffi,
    is_optional_to_all,
    languages_of,
)
from headless_wheel_builder.core.analysis.script.interpreter import Interpreter, Setup
from headless_wheel_builder.core.analysis.script.values import (
    MORE,
    UNKNOWN,
    Class,
    External,
    Instance,
    bare,
)
from headless_wheel_builder.core.analysis.script.wheel_command import command_of, limited_api_of, of_wheel, options_of
from headless_wheel_builder.values import field, value

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
    :param arguments: of setup()
    """

    present: bool | None
    limited_api: bool | None
    is_optional: bool
    languages: frozenset[str]
    evidence: tuple[str, ...]
    arguments: Mapping[str, object] = field(default_factory=dict)


Ends: TypeAlias = Callable[[Interpreter], "Outcome | None"]


def setup_ends(run: Interpreter) -> Outcome | None:
    """Say what a build makes of the last call of setup(); None if there was none."""
    return _outcome(run, run.setups[-1]) if run.setups else None


def _outcome(run: Interpreter, setup: Setup) -> Outcome:
    found = [(name, _amount(run, name, setup.kwargs)) for name in ARGUMENTS]
    present = _any(amount for _, amount in found)
    where = f"{setup.place} line {setup.line}"
    evidence = [f"{where}: setup({name}=[...])" for name, amount in found if amount]
    evidence += [f"{where}: setup({name}=...) cannot be known" for name, amount in found if amount is None]
    for reason, says in _overrides(run, setup, present):
        present = says
        evidence.append(f"{where}: {reason}")
    languages = frozenset(languages_of(setup.kwargs, ARGUMENTS)) if present else frozenset()
    is_optional = bool(present) and is_optional_to_all(setup.kwargs)
    return Outcome(
        present,
        limited_api_of(run, setup.kwargs),
        is_optional,
        languages,
        tuple(evidence) or (f"{where}: setup() without extensions",),
        setup.kwargs,
    )


def _any(amounts: Iterator[bool | None]) -> bool | None:
    found = [*amounts]
    return True if True in found else None if None in found else False


def _amount(run: Interpreter, name: str, kwargs: Mapping[str, object]) -> bool | None:
    if name not in kwargs:
        return None if MORE in kwargs and name == "ext_modules" else False
    found = bare(kwargs[name])
    if name == "cffi_modules" and isinstance(found, (list, tuple, str)):
        many = [found] if isinstance(found, str) else [*found]
        return _any(is_compiled_by_cffi(run.code, one) for one in many)
    return True if isinstance(found, (Instance, External)) else operations.truth(found)


def _overrides(run: Interpreter, setup: Setup, present: bool | None) -> Iterator[tuple[str, bool | None]]:
    kwargs = setup.kwargs
    if setup.function.partition(".")[0] == "skbuild":
        yield "setup() of scikit-build", True
    for name, patch in run.patches.items():
        if name.endswith(PATCHED):
            yield f"{PATCHED} is replaced", _truth(run.call(patch, [UNKNOWN], {}))
    if "has_ext_modules" in kwargs:
        yield "setup(has_ext_modules=...)", _truth(run.call(kwargs["has_ext_modules"], [], {}))
    if isinstance(kind := bare(kwargs.get("distclass")), Class):
        yield from _of_distribution(run, kind, kwargs, present)
    if isinstance(kind := command_of(kwargs, "bdist_wheel"), Class):
        yield from of_wheel(run, kind)
    if present is False and (command := compiling_command(kwargs)):
        yield f"the command {command} may compile something", None
    if isinstance(operations.item(options_of(kwargs), "plat_name"), str):
        yield "setup(options=...) names a platform", True


def _of_distribution(
    run: Interpreter, kind: Class, kwargs: Mapping[str, object], present: bool | None
) -> Iterator[tuple[str, bool | None]]:
    for name, pure in (("has_ext_modules", False), ("is_pure", True)):
        if kind.has(name):
            made = Instance(kind, [], dict(kwargs))
            says = _truth(run.call(kind.member(name), [made], {}))
            # What it asks of the extensions is not all known, but that there are some is.
            yield f"{kind.node.name}.{name}() says so", present if says is None else says is not pure


def _truth(found: object) -> bool | None:
    return operations.truth(bare(found))

"""What a project's own `bdist_wheel`, and the options for it, make of wheels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headless_wheel_builder.core.analysis.script import operations
from headless_wheel_builder.core.analysis.script.values import (
    UNKNOWN,
    Class,
    Instance,
    bare,
)

if TYPE_CHECKING:
    from headless_wheel_builder.core.analysis.script.interpreter import Interpreter


def of_wheel(run: Interpreter, kind: Class) -> Iterator[tuple[str, bool | None]]:
    made = Instance(kind, [], {})
    if kind.has("finalize_options"):
        run.call(kind.member("finalize_options"), [made], {})
    if "root_is_pure" in made.attributes and (says := _truth(made.attributes["root_is_pure"])) is not True:
        yield f"{kind.node.name} sets root_is_pure", None if says is None else True
    match _tag(run, kind):
        case (_, _, str() as platform) if platform != "any":
            yield f"{kind.node.name}.get_tag() names a platform", True


def _tag(run: Interpreter, kind: Class) -> object:
    if not kind.has("get_tag"):
        return UNKNOWN
    return bare(run.call(kind.member("get_tag"), [Instance(kind, [], {})], {}))


def options_of(kwargs: Mapping[str, object]) -> object:
    options = operations.item(kwargs.get("options", {}), "bdist_wheel")
    return {} if options is UNKNOWN else options


def command_of(kwargs: Mapping[str, object], name: str) -> object:
    return bare(operations.item(kwargs.get("cmdclass", {}), name))


def limited_api_of(run: Interpreter, kwargs: Mapping[str, object]) -> bool | None:
    options = bare(kwargs.get("options", {}))
    wanted = operations.item(options_of(kwargs), "py_limited_api")
    if isinstance(options, dict) and "bdist_wheel" in options and wanted is not UNKNOWN:
        return operations.truth(bare(wanted))
    kind = command_of(kwargs, "bdist_wheel")
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
        return _truth(made.attributes["py_limited_api"])
    match _tag(run, kind):
        case (_, "abi3", _):
            return True
    return False


def _truth(found: object) -> bool | None:
    return operations.truth(bare(found))

"""What is found of the extensions of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from headless_wheel_builder.values import field, value

Extensions: TypeAlias = Literal["none", "always", "optional", "conditional", "unknown"]

LANGUAGES: Final = {
    ".c": "c",
    ".cpp": "c++",
    ".cc": "c++",
    ".cxx": "c++",
    ".c++": "c++",
    ".pyx": "cython",
    ".f": "fortran",
    ".f90": "fortran",
    ".m": "objective-c",
    ".mm": "objective-c",
    ".s": "assembly",
    ".asm": "assembly",
    ".rs": "rust",
    ".cu": "cuda",
    ".d": "d",
    ".go": "go",
    ".pas": "pascal",
    ".zig": "zig",
}


@value
class Findings:
    """Whether a plain build makes more than a pure wheel, and how that is known.

    :param present: None if it cannot be known
    :param backend: the name of the one that a backend in the tree wraps
    :param arguments: of setup(), where it is called, as far as they are known
    """

    present: bool | None
    extensions: Extensions
    evidence: tuple[str, ...] = ()
    languages: frozenset[str] = frozenset()
    limited_api: bool | None = False
    condition: str = ""
    backend: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)


def pure(*evidence: str) -> Findings:
    """Say that wheels are pure."""
    return Findings(False, "none", evidence)


def compiled(*evidence: str, languages: frozenset[str] = frozenset(), limited_api: bool | None = False) -> Findings:
    """Say that wheels are never pure."""
    return Findings(True, "always", evidence, languages, limited_api)


def unknown(*evidence: str) -> Findings:
    """Say that it cannot be known."""
    return Findings(None, "unknown", evidence, limited_api=None)


def language_of(source: str) -> str:
    """Return what a source file is written in; empty if that is not known."""
    return LANGUAGES.get(source[source.rfind(".") :].lower(), "") if "." in source else ""

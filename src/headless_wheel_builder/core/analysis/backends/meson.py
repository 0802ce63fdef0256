"""meson-python: what meson.build installs (https://mesonbuild.com/meson-python)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from headless_wheel_builder.core.analysis.findings import Findings, compiled, pure, unknown
from headless_wheel_builder.core.analysis.source import Source
from headless_wheel_builder.core.analysis.tables import at
from headless_wheel_builder.values import changed

LANGUAGES: Final = {"c": "c", "cpp": "c++", "cython": "cython", "fortran": "fortran", "rust": "rust", "cuda": "cuda"}
FILE_LIMIT: Final = 400
SIZE_LIMIT: Final = 400_000
_TOKENS: Final = re.compile(r"'''.*?'''|'(?:\\.|[^'\\\n])*'|#[^\n]*", re.DOTALL)
_ALWAYS: Final = re.compile(r"\.\s*extension_module\s*\(|\bpure\s*:\s*false\b|\bshared_module\s*\(")
_INSTALLED: Final = re.compile(r"\b(?:shared_library|library|executable|both_libraries)\s*\(")
_SUBDIR: Final = re.compile(r"\bsubdir\s*\(\s*'([^'\n]+)'")
_SUBPROJECT: Final = re.compile(r"\bsubproject\s*\(")


def look(source: Source) -> Findings:
    """Say what meson-python makes."""
    files = [*_files(source)]
    if not files:
        return unknown("meson.build cannot be read")
    languages = frozenset(one for _, text in files for one in _languages(text))
    for name, text in files:
        code = _TOKENS.sub(_blank, text)
        if found := _ALWAYS.search(code) or _installed(code):
            line = code.count("\n", 0, found.start()) + 1
            findings = compiled(f"{name} line {line}: {found[0].strip('( ')}", languages=languages)
            return changed(findings, limited_api=_limited(source, files))
    if any(_SUBPROJECT.search(_TOKENS.sub(_blank, text)) for _, text in files):
        return unknown("meson.build builds a subproject")
    return pure("meson.build: nothing that is compiled is installed")


def _installed(code: str) -> re.Match[str] | None:
    found = _INSTALLED.search(code)
    return found if found and re.search(r"\binstall\s*:\s*(?!false)", code) else None


def _blank(token: re.Match[str]) -> str:
    return "\n" * token[0].count("\n") if token[0].startswith("#") else token[0] if "\n" not in token[0] else "''"


def _files(source: Source) -> Iterator[tuple[str, str]]:
    waiting = [""]
    seen: set[str] = set()
    while waiting and len(seen) < FILE_LIMIT:
        folder = waiting.pop()
        name = posixpath.normpath(posixpath.join(folder, "meson.build"))
        if name in seen or name.startswith(".."):
            continue
        seen.add(name)
        content = source.tree.read(name)
        if content is not None and len(content) < SIZE_LIMIT:
            text = content.decode("utf-8", "replace")
            yield name, text
            waiting += [posixpath.join(folder, one) for one in _SUBDIR.findall(text)]


def _languages(text: str) -> Iterator[str]:
    for call in re.findall(r"\b(?:project|add_languages)\s*\(([^)]{0,2000})", text):
        names = re.findall(r"'([a-z]+)'", call)
        yield from (LANGUAGES[name] for name in names if name in LANGUAGES)


def _limited(source: Source, files: list[tuple[str, str]]) -> bool:
    if at(source.pyproject, "tool", "meson-python", "limited-api") is not True:
        return False
    return any(re.search(r"\blimited_api\s*:", text) for _, text in files)

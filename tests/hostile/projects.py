"""Files named pyproject.toml that nobody should trust."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from hostile.answers import TEXTS, VALUES
from hostile.properties import nothing_outside, only_our_errors
from hypothesis import strategies as st

from headless_wheel_builder.configuration.table import read_configuration
from headless_wheel_builder.core.analyzer import analyze
from headless_wheel_builder.core.project import parse_pyproject, read_build_system

KEYS = st.one_of(
    st.sampled_from(["requires", "build-backend", "backend-path", "buildbackend", "name", "version", "dependencies"]),
    st.sampled_from(["dynamic", "isolation", "overrides", "env", "mounts", "max-unpacked-size"]),
    st.sampled_from(["a\n::error::", "\x1b[2J"]),
)
TABLES = st.one_of(
    st.sampled_from(["build-system", "project", "tool.headless-wheel-builder", "tool"]),
    st.sampled_from(["tool.setuptools", "tool.hatch.build", "tool.meson-python"]),
)
ENTRIES = st.one_of(
    st.sampled_from(["setuptools.build_meta", "backend", "a.b:c.d", "..", ".", "/", "../..", "x\0", "a" * 5000]),
    st.lists(TEXTS, max_size=3),
    TEXTS,
    VALUES,
)


def toml(value: object) -> str:
    """Return a value as TOML has it, more or less."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def document(tables: Mapping[str, Mapping[str, object]]) -> bytes:
    """Return a file that has these tables."""
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{toml(key)} = {toml(entry)}" for key, entry in table.items())]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


DOCUMENTS = st.one_of(
    st.dictionaries(TABLES, st.dictionaries(KEYS, ENTRIES, max_size=4), max_size=3).map(document),
    st.dictionaries(TABLES, st.dictionaries(KEYS, ENTRIES, max_size=4), max_size=3).map(document),
    st.sampled_from([b"a = " + b"[" * 5000, b"a." * 3000 + b"b = 1", b"\xef\xbb\xbf", b"\xff", b"a = " + b"9" * 5000]),
    st.binary(max_size=30),
)


def survive_project(content: bytes) -> None:
    """Read all that is read of a source tree before anything of it is run."""
    with nothing_outside() as place:
        path = place / "pyproject.toml"
        path.write_bytes(content)
        with only_our_errors():
            read_build_system(os.fspath(place), lambda _: None)
        with only_our_errors():
            read_configuration(parse_pyproject(os.fspath(path), content), os.fspath(path))
        with only_our_errors():
            json.dumps(analyze(os.fspath(place)).facts())
        assert [one.name for one in place.iterdir()] == ["pyproject.toml"]

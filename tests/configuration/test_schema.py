"""The published schema says what the code does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import fastjsonschema
import pytest
from configuration.examples import EACH, PATH

from headless_wheel_builder.configuration.keys import OVERRIDE, RUN, SETTINGS, TARGET
from headless_wheel_builder.configuration.names import TOOL
from headless_wheel_builder.configuration.schema import schema
from headless_wheel_builder.configuration.table import read_configuration
from headless_wheel_builder.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = schema()
OVERRIDES = SCHEMA["properties"]["overrides"]["items"]
# For each kind of values, what is one and what is none.
CANDIDATES = [
    *(
        "docker",
        "venv",
        "none",
        "auto",
        "uv",
        "pip",
        "manylinux",
        "musllinux",
        "windows",
        "",
        " ",
        "a:/b",
        "a:b",
        "/a",
        "10GB",
        "10 XB",
        "0GB",
    ),
    *(True, False, 0, 1, 4, -1, 0.5, 1.5),
    *([], ["a"], [""], [1], ["a:/b"], ["manylinux"], ["manylinux", "manylinux2014"], [["a"]]),
    *({}, {"A": "b"}, {"A": 1}, {"A B": "c"}, {"A=B": "c"}, {"": "c"}, {"A": ["b"]}, {"A": [1]}, {"A": {}}),
]


@pytest.fixture(scope="module")
def validate() -> Callable[[object], object]:
    found: Callable[[object], object] = fastjsonschema.compile(SCHEMA)
    return found


def is_valid(validate: Callable[[object], object], table: object) -> bool:
    try:
        validate(table)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


def is_read(table: object) -> bool:
    try:
        read_configuration({"tool": {TOOL: table}}, "pyproject.toml")
    except ConfigurationError:
        return False
    return True


def test_schema_and_code_know_the_same_keys() -> None:
    assert SCHEMA["properties"].keys() == {*SETTINGS, "overrides"}
    assert OVERRIDES["properties"].keys() == {*OVERRIDE, *TARGET}


def test_what_targets_may_differ_in_is_described_alike_in_both_places() -> None:
    assert {key: OVERRIDES["properties"][key] for key in TARGET} == {key: SCHEMA["properties"][key] for key in TARGET}


def test_no_part_refers_to_another_as_validators_lose_that_where_they_put_the_schema_into_theirs() -> None:
    assert "$ref" not in json.dumps(SCHEMA)


@pytest.mark.parametrize("key", [*SETTINGS, *OVERRIDE])
def test_every_key_has_a_description_and_only_examples_that_hold(
    key: str, validate: Callable[[object], object]
) -> None:
    part = (SCHEMA if key in SETTINGS else OVERRIDES)["properties"][key]
    assert part["description"].endswith(".")
    for example in [*part.get("examples", ()), *([part["default"]] if "default" in part else ())]:
        table = {key: example} if key in SETTINGS else {"overrides": [{"select": "*", key: example}]}
        assert is_valid(validate, table)
        assert is_read(table)


@pytest.mark.parametrize("key", [*SETTINGS, "overrides", "nonsense", "only_plat", "select", "skip"])
def test_schema_and_code_take_the_same_values(key: str, validate: Callable[[object], object]) -> None:
    verdicts = {json.dumps(candidate): is_valid(validate, {key: candidate}) for candidate in CANDIDATES}
    assert verdicts == {json.dumps(candidate): is_read({key: candidate}) for candidate in CANDIDATES}
    assert any(verdicts.values()) is (key in {*SETTINGS, "overrides"})
    assert not all(verdicts.values())


@pytest.mark.parametrize("key", [*OVERRIDE, *TARGET, *RUN, "nonsense", "overrides"])
def test_schema_and_code_take_the_same_values_in_overrides(key: str, validate: Callable[[object], object]) -> None:
    for candidate in CANDIDATES:
        table = {"overrides": [{"select": "*"} | {key: candidate}]}
        assert is_valid(validate, table) is is_read(table), candidate


@pytest.mark.parametrize("table", [{"overrides": [{}]}, {"overrides": [{"repair": True}]}, [], 1, "docker"])
def test_schema_and_code_refuse_the_same_shapes(table: object, validate: Callable[[object], object]) -> None:
    assert not is_valid(validate, table)
    assert not is_read(table)


@pytest.mark.parametrize("line", [line for line, _ in EACH])
def test_what_the_code_reads_is_valid(line: str, validate: Callable[[object], object]) -> None:
    validate(tomllib.loads(line))


def test_the_schema_is_of_the_draft_that_validators_of_pyproject_take() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"]


def test_validate_pyproject_is_given_the_schema_of_our_table() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    ((name, home),) = pyproject["project"]["entry-points"]["validate_pyproject.tool_schema"].items()
    assert f"tool.{name}" == PATH
    assert EntryPoint(name, home, "validate_pyproject.tool_schema").load()(name) == SCHEMA


def test_it_is_the_schema_of_no_other_table() -> None:
    with pytest.raises(ValueError, match="not of other"):
        schema("other")

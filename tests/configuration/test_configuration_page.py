"""The page on the configuration is true: its keys, variables, options, defaults and examples are those of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from headless_wheel_builder.cli.parser import make_parser
from headless_wheel_builder.configuration.keys import OVERRIDE, RUN, SETTINGS, TARGET
from headless_wheel_builder.configuration.kinds import WORDS
from headless_wheel_builder.configuration.schema import schema
from headless_wheel_builder.configuration.table import read_configuration
from headless_wheel_builder.configuration.variables import variable
from headless_wheel_builder.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
TABLE = "[tool.headless-wheel-builder]\n"
OPTIONS = {option for action in make_parser()._actions for option in action.option_strings}  # noqa: SLF001


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> dict[str, list[str]]:
    found = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section(title), re.MULTILINE)
    return {key: cells.split(" | ") for key, cells in found}


def test_every_key_is_in_the_table_and_no_other() -> None:
    assert rows("Keys").keys() == SETTINGS.keys()


@pytest.mark.parametrize("key", SETTINGS)
def test_the_row_of_a_key_is_true(key: str) -> None:
    value, default, example, variable_, options = rows("Keys")[key]
    assert variable_ == f"`{variable(key)}`"
    read_configuration(tomllib.loads(f"{TABLE}{key} = {example.strip('`')}"), "pyproject.toml")
    part = schema()["properties"][key]
    if "default" in part:
        assert default == f"`{str(part['default']).lower()}`"
    for choice in part.get("enum", ()):
        assert f"`{choice}`" in value
    assert set(re.findall(r"--[a-z-]+", options)) <= OPTIONS


def test_overrides_have_the_keys_that_the_page_says() -> None:
    lines = {line.rpartition(" | ")[2]: set(re.findall(r"`([a-z-]+)`", line.rpartition(" | ")[0])) for line in table()}
    assert lines["as in the table |"] == TARGET.keys()
    assert lines["refused: they hold for the whole run |"] == RUN.keys()
    assert all(any(key in keys for keys in lines.values()) for key in OVERRIDE)


def table() -> list[str]:
    return [line for line in section("Overrides").splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
def test_every_example_is_read(example: str) -> None:
    read_configuration(tomllib.loads(example), "pyproject.toml")


def test_the_example_of_an_error_is_what_is_said() -> None:
    text = f'{TABLE}platfrom = "manylinux"\n[[tool.headless-wheel-builder.overrides]]\nselect = "*"\nonly-plat = "yes"'
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(tomllib.loads(text), "pyproject.toml")
    shown = [f"ERROR {caught.value.message}", *(f"  {line}" for line in caught.value.cause.splitlines())]
    assert "\n".join(shown) in section("Mistakes")


def test_what_variables_may_say_is_on_the_page() -> None:
    assert all(f"`{word}`" in section("Values") for word in WORDS)

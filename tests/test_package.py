"""What the package says of itself is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib", reason="pyproject.toml is read with the standard library, from 3.11 on")

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def bounds(lines: list[str], operator: str) -> dict[str, str]:
    found = {}
    for line in lines:
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == operator, line
        found[requirement.name] = specifier.version
    return found


def test_the_lowest_versions_that_are_tested_are_the_lower_bounds() -> None:
    tested = (ROOT / "tests" / "requirements-lowest.txt").read_text().splitlines()
    assert bounds(tested, "==") == bounds(PROJECT["dependencies"], ">=")


def test_every_entry_point_is_the_same_function() -> None:
    scripts = {*PROJECT["scripts"].values(), *PROJECT["entry-points"]["pipx.run"].values()}
    assert scripts == {"headless_wheel_builder.cli:script"}
    assert set(PROJECT["scripts"]) == {"hwb", "headless-wheel-builder"}
    assert set(PROJECT["entry-points"]["pipx.run"]) == {PROJECT["name"]}


def test_the_package_is_typed() -> None:
    assert (ROOT / "src" / "headless_wheel_builder" / "py.typed").exists()

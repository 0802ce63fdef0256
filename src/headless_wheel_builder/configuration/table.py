"""Read `[tool.headless-wheel-builder]` of a pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from headless_wheel_builder.configuration.keys import OVERRIDE, RUN, SETTINGS, TARGET, attribute
from headless_wheel_builder.configuration.kinds import Kind
from headless_wheel_builder.configuration.names import TABLE, TOOL
from headless_wheel_builder.configuration.problems import Problems, shown
from headless_wheel_builder.configuration.settings import Configuration, Override
from headless_wheel_builder.errors import ConfigurationError
from headless_wheel_builder.values import changed

OVERRIDES: Final = "overrides"


def read_configuration(pyproject: Mapping[str, Any], where: str) -> Configuration:
    """Read and check the table of a pyproject.toml.

    :param pyproject: all of it, parsed
    :param where: its path, which paths in it are relative to
    :raises ConfigurationError: something in the table cannot be; all that cannot is told
    """
    tool = pyproject.get("tool")
    if not isinstance(tool, Mapping) or TOOL not in tool:
        return Configuration()
    problems = Problems()
    configuration = _read(tool[TOOL], problems)
    if problems.lines:
        raise _error(problems, where)
    if configuration.dependency_constraints is None:
        return configuration
    path = os.path.join(os.path.dirname(where), configuration.dependency_constraints)
    return changed(configuration, dependency_constraints=path)


def _read(table: object, problems: Problems) -> Configuration:
    if not isinstance(table, Mapping):
        problems.unexpected(TABLE, table, f"a table: [{TABLE}]")
        return Configuration()
    misplaced = dict.fromkeys(OVERRIDE, f"only holds for some of the targets; write it in [[{TABLE}.{OVERRIDES}]]")
    rest = {name: found for name, found in table.items() if name != OVERRIDES}
    values = _values(rest, TABLE, SETTINGS, misplaced, problems)
    return Configuration(**values, overrides=_overrides(table.get(OVERRIDES, []), problems))


def _values(
    table: Mapping[str, Any], path: str, known: Mapping[str, Kind], misplaced: Mapping[str, str], problems: Problems
) -> dict[str, Any]:
    values = {}
    for name, found in table.items():
        if name in known:
            values[attribute(name)] = known[name].read(found, f"{path}.{name}", problems)
        elif name in misplaced:
            problems.add(f"{path}.{name}", misplaced[name])
        else:
            problems.unknown(f"{path}.{name}", name, [*known, *([OVERRIDES] if path == TABLE else [])])
    return values


def _overrides(tables: object, problems: Problems) -> tuple[Override, ...]:
    path = f"{TABLE}.{OVERRIDES}"
    if not isinstance(tables, list):
        problems.unexpected(path, tables, f"tables: [[{path}]]")
        return ()
    return tuple(_override(table, f"{path}[{index}]", problems) for index, table in enumerate(tables))


def _override(table: object, path: str, problems: Problems) -> Override:
    if not isinstance(table, Mapping):
        problems.unexpected(path, table, "a table")
        return Override((), Configuration())
    misplaced = dict.fromkeys(RUN, f"holds for the whole run, and cannot differ by target; write it in [{TABLE}]")
    values = _values(table, path, {**OVERRIDE, **TARGET}, misplaced, problems)
    if "select" not in values:
        example = shown("cp31*-musllinux*")
        problems.add(path, f"there is no select, which says for which targets it is; write for example {example}")
    return Override(values.pop("select", None) or (), Configuration(**values))


def _error(problems: Problems, where: str) -> ConfigurationError:
    from headless_wheel_builder.configuration.schema import PATH

    return ConfigurationError(
        f"{where}: the settings in [{TABLE}] cannot be used",
        cause="\n".join(problems.lines),
        hint=f"What each may be is in {PATH}",
    )

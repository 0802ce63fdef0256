"""The JSON schema of the table, for editors and validators."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from headless_wheel_builder.configuration.names import TOOL

PATH: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema.json")


def schema(tool_name: str = TOOL) -> dict[str, Any]:
    """Return the schema, as validate-pyproject asks plugins for it.

    :param tool_name: the name of the table below `tool`
    :raises ValueError: it is another tool's
    """
    if tool_name != TOOL:
        raise ValueError(f"this is the schema of {TOOL}, not of {tool_name}")
    with open(PATH, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found

"""Read the config settings of the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headless_wheel_builder.errors import RequestError
from headless_wheel_builder.events import Reporter, Warned


def config_settings(pairs: Sequence[str] | None, text: str | None, report: Reporter) -> Mapping[str, Any]:
    """Return the settings that hooks get.

    :param pairs: what was given with `-C`
    :param text: what was given with `--config-json`; empty counts as not given
    :raises RequestError: the JSON is no object
    """
    return _from_json(text) if text else _from_pairs(pairs or (), report)


def _from_json(text: str) -> Mapping[str, Any]:
    try:
        settings = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RequestError(
            f"Invalid JSON in --config-json: {error}", hint="""Write for example: --config-json '{"key": "value"}'"""
        ) from None
    if not isinstance(settings, dict):
        raise RequestError("--config-json must contain a JSON object (dict), not a list or primitive value")
    return settings


def _from_pairs(pairs: Sequence[str], report: Reporter) -> Mapping[str, Any]:
    settings: dict[str, str | list[str]] = {}
    bare: dict[str, None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            bare[key] = None
        earlier = settings.get(key)
        if earlier is None:
            settings[key] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            settings[key] = [earlier, value]
    for key in bare:
        report(
            Warned(
                f"Config setting {key!r} was passed without a value; this form is not supported by pip."
                f" Write {key}= instead to be compatible with both tools"
            )
        )
    return settings

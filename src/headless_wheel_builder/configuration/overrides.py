"""What is otherwise for some of the targets."""

from __future__ import annotations

from fnmatch import fnmatchcase

from headless_wheel_builder.configuration.settings import Configuration, Override, layered
from headless_wheel_builder.values import changed


def for_target(configuration: Configuration, identifier: str) -> Configuration:
    """Return the settings of one target, without overrides: those that match it are applied, later ones win.

    :param identifier: of the target, for example `cp312-manylinux_x86_64`
    """
    settings = changed(configuration, overrides=())
    for override in configuration.overrides:
        if matches(override, identifier):
            settings = layered(override.settings, settings)
    return settings


def matches(override: Override, identifier: str) -> bool:
    """Tell whether an override is for a target."""
    return any(fnmatchcase(identifier, pattern) for pattern in override.select)

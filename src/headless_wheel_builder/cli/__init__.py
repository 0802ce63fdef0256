"""The command line."""

from headless_wheel_builder.cli.command import main, script

__all__ = ["main", "script"]

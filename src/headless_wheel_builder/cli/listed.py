"""Options that may be given many times."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any


class Listed(argparse.Action):
    """Collects values that are given many times, or with commas between them; a path may have commas of its own."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add what is written once to what is there."""
        del parser, option_string
        text = str(values)
        parts = [text] if os.path.exists(text) else [part.strip() for part in text.split(",")]
        there = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*there, *(part for part in parts if part not in there)])

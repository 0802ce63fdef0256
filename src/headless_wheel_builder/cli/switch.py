"""Options that say yes, and others that say no."""

from __future__ import annotations

import argparse


def add_switch(group: argparse._ArgumentGroup, option: str, opposite: str, meaning: str) -> None:
    """Add an option, and one that takes it back; of several, the last counts. None stands for neither."""
    name = option.removeprefix("--").replace("-", "_")
    group.add_argument(option, dest=name, action="store_const", const=True, help=meaning)
    group.add_argument(
        opposite, dest=name, action="store_const", const=False, help=f"not {option}, whatever the configuration says"
    )

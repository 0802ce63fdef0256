"""What the settings are called where they are written."""

from __future__ import annotations

from typing import Final

TOOL: Final = "headless-wheel-builder"
TABLE: Final = f"tool.{TOOL}"
PREFIX: Final = "HWB_"
# Variables that are no settings of a build: of the store, and of our own tests.
ELSEWHERE: Final = frozenset({"HWB_CACHE_DIR", "HWB_TEST_ENGINE"})

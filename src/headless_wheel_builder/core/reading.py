"""Read archives that nobody vouches for: in pieces, ready to stop, and without surprises."""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Final, TypeAlias

from headless_wheel_builder.shortage import is_shortage

Checkpoint: TypeAlias = Callable[[], None]
"""Called once per member and per piece of data; raises, preferably a `BaseException`, to cancel."""

CHUNK_SIZE: Final = 256 * 1024
# Headers and text that must be held at once. Real ones are a thousand times smaller.
METADATA_LIMIT: Final = 16 * 1024 * 1024

# `tarfile` and `zipfile` pass on whatever int(), struct and the decompressors raise when the bytes are hostile.
READ_FAILURES: Final = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
)


def never() -> None:
    """Be the checkpoint of work that nobody cancels."""


def pass_shortage(error: Exception) -> None:
    """Raise what the system is to blame for, not the archive."""
    if is_shortage(error):
        raise error

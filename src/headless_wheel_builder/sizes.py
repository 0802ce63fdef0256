"""Numbers of bytes, as people write and read them."""

from __future__ import annotations

import re
from typing import Final

# What a source distribution may unpack to. Ten times the largest of public indexes; who builds such has this to spare.
DEFAULT_SIZE: Final = 32 * 1024**3
POWERS: Final = {unit: power for power, unit in enumerate(("", "k", "m", "g", "t"))}


def parse_size(text: str) -> int:
    """Read a number of bytes: `500000000`, `500MB`, `0.5 GB` or `2GiB`.

    :raises ValueError: it is none, or is 0
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(?:([kmgt]?)(i?)b?)\s*", text, re.ASCII | re.IGNORECASE)
    if found is None or (found[3] and not found[2]):
        raise ValueError(f"{text!r} is no size: write for example 10GB or 512MiB")
    size = int(float(found[1]) * (1024 if found[3] else 1000) ** POWERS[found[2].lower()])
    if size < 1:
        raise ValueError(f"{text!r} is too small for anything")
    return size


def shown_size(size: int) -> str:
    """Say a number of bytes so that `parse_size` understands it."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.4g} {unit}"
    return f"{size} B"

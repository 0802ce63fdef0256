"""Remove a cache of uv, but for what it knows of interpreters: `forget.py ANSWER CACHE PLACE`.

It knows addresses of indexes. To ask an interpreter what it is takes longer than to ask an index, and uv sees whether
it is still the one that was asked.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import sys

INTERPRETERS = "interpreter-*"


def forget(cache: str, place: str) -> None:
    """Move what is known of interpreters from a cache into another one, and remove the first."""
    os.makedirs(place, exist_ok=True)
    for folder in glob.glob(os.path.join(glob.escape(cache), INTERPRETERS)):
        shutil.move(folder, place)
    shutil.rmtree(cache, ignore_errors=True)


if __name__ == "__main__":
    forget(*sys.argv[2:])
    with open(sys.argv[1], "w") as answer:
        json.dump(True, answer)

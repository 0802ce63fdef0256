"""Remove all that nobody uses from the store, again and again: `python tidying.py -o FOLDER`."""

from __future__ import annotations

import os
import time

from headless_wheel_builder.isolation.store import Limits, Store

TIMES = 30


def main() -> None:
    """Tidy it for a while."""
    for _ in range(TIMES):
        Store(os.environ["HWB_CACHE_DIR"], limits=Limits(age=-1)).collect()
        time.sleep(0.05)


if __name__ == "__main__":
    main()

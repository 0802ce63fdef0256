"""The age of this process: the time that passed before a build could begin is part of a waterfall."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from headless_wheel_builder.process_status import start_ticks

# No interpreter takes so many seconds to start. The process was then a shell script, which ended with `exec`.
LONGEST_START: Final = 2.0


def process_age(imported: float) -> float:
    """Return for how many seconds this process has run; where that is not known, the time since `imported`.

    :param imported: what `time.perf_counter()` said when our first line ran
    """
    known = time.perf_counter() - imported
    start = start_ticks()
    if start is None or sys.platform != "linux":
        return known
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - start / os.sysconf("SC_CLK_TCK")
    # The system counts in hundredths of a second.
    return age if known <= age <= known + LONGEST_START else known

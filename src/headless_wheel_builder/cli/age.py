"""The age of this process: the time that passed before a build could begin is part of a waterfall."""

from __future__ import annotations

import os
import time
from typing import Final

STAT: Final = "/proc/self/stat"
# No interpreter takes so many seconds to start. The process was then a shell script, which ended with `exec`.
LONGEST_START: Final = 2.0


def process_age(imported: float) -> float:
    """Return for how many seconds this process has run; where that is not known, the time since `imported`.

    :param imported: what `time.perf_counter()` said when our first line ran
    """
    known = time.perf_counter() - imported
    try:
        age = _age_by_system()
    except (AttributeError, OSError, ValueError, IndexError):  # not Linux, or one without /proc
        return known
    # The system counts in hundredths of a second.
    return age if known <= age <= known + LONGEST_START else known


def _age_by_system() -> float:
    with open(STAT, "rb") as file:
        # The second field is the program's name in parentheses, which may hold anything; the 22nd is the start.
        fields = file.read().rpartition(b")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")

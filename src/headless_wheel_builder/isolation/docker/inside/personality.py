"""Have this process, and what it becomes, be told of a machine of 32 bits: `personality.py PROGRAM ARGUMENT...`.

The images of the Python Packaging Authority have an entry point for this; other images have none.
"""

from __future__ import annotations

import ctypes
import os
import sys

# From linux/personality.h: what `uname -m` says is i686 or armv8l then.
PER_LINUX32 = 0x0008

if __name__ == "__main__":
    ctypes.CDLL(None).personality(PER_LINUX32)
    if os.uname().machine == "armv8l":
        # Else wheels would get a tag that no installer knows.
        os.environ["_PYTHON_HOST_PLATFORM"] = "linux-armv7l"
    os.execv(sys.argv[1], sys.argv[1:])

"""Be another program: `execute.py PROGRAM ARGUMENT...`, found as a shell would find it."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]} cannot be run: {error.strerror}\n")
        sys.exit(127)

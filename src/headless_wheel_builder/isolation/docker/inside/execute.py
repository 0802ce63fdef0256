"""Be another program: `execute.py PROGRAM ARGUMENT...`, found as a shell would find it."""

import os
import sys

if __name__ == "__main__":
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.stderr.write("%s cannot be run: %s\n" % (sys.argv[1], error.strerror))
        sys.exit(127)

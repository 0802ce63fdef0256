"""`python -m headless_wheel_builder`."""

import sys

# -m puts the current folder first: a project's own build.py, packaging/ or docker/ would be imported instead of ours.
if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)

from headless_wheel_builder.cli import leave, main

if __name__ == "__main__":
    leave(main(sys.argv[1:], prog="python -m headless_wheel_builder"))

"""`python -m headless_wheel_builder`."""

import sys

# -m puts the current folder first: a project's own build.py, packaging/ or docker/ would be imported instead of ours.
if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)

from headless_wheel_builder.cli import script

if __name__ == "__main__":
    script("python -m headless_wheel_builder")

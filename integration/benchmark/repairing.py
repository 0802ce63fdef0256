"""Call the hooks for a wheel and then auditwheel, as a build in a container has to, and write how long they took.

This runs in a container, in the source tree, with the interpreter of a ready environment. The arguments are the
backend, the folders for the wheel before and after its repair, and the file for the seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

# Beside this file in the container.
from hooks import build


def main() -> None:
    """Call them."""
    backend, built, out, report = sys.argv[1:]
    os.mkdir(built)
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    seconds, name = build(Path.cwd(), backend, sys.executable, built, "wheel")
    start = time.perf_counter()
    subprocess.run(["auditwheel", "repair", "--strip", "-w", out, os.path.join(built, name)], check=True)
    seconds += time.perf_counter() - start
    Path(report).write_text(str(seconds), encoding="utf-8")


main()

"""Have `repairing.py` call hooks and auditwheel in a container of an environment, and fetch the wheel and the seconds.

This runs in the environment of the tools, in the source tree. The arguments are the backend, the image, the
interpreter of its environment, the output folder and the file for the seconds.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pyproject_hooks

HERE = Path(__file__).parent
THERE = "/measured"
# Of the image, with nothing of an environment.
PLAIN = "/opt/python/cp311-cp311/bin/python"


def docker(*arguments: str, given: bytes = b"") -> str:
    """Run Docker's command line with what it reads, and return what it prints."""
    return subprocess.run(["docker", *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout.decode()


def packed(files: Mapping[str, Path]) -> bytes:
    """Return an archive of files and folders, by their names in it; they belong to root."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, path in files.items():
            tar.add(path, name, filter=of_root)
    return archive.getvalue()


def of_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Give a member to root."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def main() -> None:
    """Make the container, fill it, run it, and fetch what came of it; the benchmark removes what is left after it."""
    backend, image, python, out, report = sys.argv[1:]
    command = [python, f"{THERE}/repairing.py", backend, f"{THERE}/built", f"{THERE}/out", f"{THERE}/report"]
    options = ("--workdir", f"{THERE}/tree", "--tmpfs", "/hwb/env:exec")
    container = docker("create", *options, image, PLAIN, f"{THERE}/entering.py", *command).strip()
    files = {name: HERE / name for name in ("entering.py", "hooks.py", "repairing.py")}
    files |= {"pyproject_hooks": Path(pyproject_hooks.__file__).parent, "tree": Path.cwd()}
    docker("cp", "-", f"{container}:/", given=packed({f"{THERE[1:]}/{name}": path for name, path in files.items()}))
    docker("start", "--attach", container)
    docker("cp", f"{container}:{THERE}/out/.", out)
    docker("cp", f"{container}:{THERE}/report", os.path.dirname(report))
    docker("rm", "--force", "--volumes", container)


main()

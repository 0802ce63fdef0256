"""Have auditwheel repair a wheel: `repair.py ANSWER WHEEL FOLDER OPTIONS`, and tell how it went, as JSON.

OPTIONS is JSON: {"auditwheel": path, "plat": text or null, "strip": bool, "only_plat": bool, "exclude": [name, ...]}

{"outcome": "pure"}                                   there is nothing to repair
{"outcome": "repaired", "name": of the wheel, "log": text}
{"outcome": "failed", "code": of auditwheel, "log": text, "shown": by `auditwheel show`}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ELF = b"\x7fELF"


def is_pure(wheel: str) -> bool:
    """Tell whether a wheel is for every platform, and has no machine code."""
    if not wheel.endswith("-any.whl"):
        return False
    with zipfile.ZipFile(wheel) as archive:
        return not any(first_bytes(archive, name) == ELF for name in archive.namelist())


def first_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the first bytes of a member."""
    with archive.open(name) as file:
        return file.read(len(ELF))


def run(*argv: str) -> tuple[int, str]:
    """Run a program and return its exit code and what it prints."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0]
    return process.returncode, output.decode(errors="replace")


def repair(wheel: str, folder: str, options: dict[str, Any]) -> dict[str, Any]:
    """Repair a wheel into an empty folder."""
    if is_pure(wheel):
        return {"outcome": "pure"}
    auditwheel = options["auditwheel"]
    known = run(auditwheel, "repair", "--help")[1]
    wanted = ["--plat", options["plat"]] if options["plat"] else []
    if options["strip"] and "--strip" in known:
        wanted.append("--strip")
    if options["only_plat"]:
        wanted.append("--only-plat")
    for name in options["exclude"]:
        wanted += ["--exclude", name]
    code, log = run(auditwheel, "repair", "-w", folder, *wanted, wheel)
    made = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    # A repair that failed may have left the wheel there as it was (auditwheel).
    if code == 0 and len(made) == 1 and "-linux_" not in made[0]:
        return {"outcome": "repaired", "name": made[0], "log": log}
    return {"outcome": "failed", "code": code, "log": log, "shown": run(auditwheel, "show", wheel)[1]}


if __name__ == "__main__":
    answer, wheel, folder, options = sys.argv[1:]
    os.makedirs(folder)
    with open(answer, "w") as file:
        json.dump(repair(wheel, folder, json.loads(options)), file)
